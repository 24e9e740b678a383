/** The only place that knows how the two databases differ in their column types. */
import * as pg from "drizzle-orm/pg-core";
import * as sqlite from "drizzle-orm/sqlite-core";

/** Text that both databases can hold: PostgreSQL takes neither NUL nor half a surrogate pair, and an agent may send both. */
function storable(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return whole.includes("\0") ? whole.replaceAll("\0", "\ufffd") : whole;
}

const sqliteText = sqlite.customType<{ data: string; driverData: string }>({
  dataType: () => "text",
  toDriver: storable,
});
/** `json` is text in both: JSON's escapes stay as they are, so nothing that an agent says can be refused by a column. */
const sqliteJson = sqlite.customType<{ data: unknown; driverData: string }>({
  dataType: () => "text",
  toDriver: (value) => JSON.stringify(value),
  fromDriver: (text) => JSON.parse(text),
});

const sqliteDialect = {
  table: sqlite.sqliteTable,
  text: sqliteText,
  /** A whole number of up to 53 bits. */
  int: (name: string) => sqlite.integer(name, { mode: "number" }),
  real: (name: string) => sqlite.real(name),
  bool: (name: string) => sqlite.integer(name, { mode: "boolean" }),
  /** Milliseconds since 1970; a Date in TypeScript. */
  time: (name: string) => sqlite.integer(name, { mode: "timestamp_ms" }),
  json: <Value>(name: string) => sqliteJson(name).$type<Value>(),
  /** The table's key, counted up by the database and never given twice. */
  counter: (name: string) => sqlite.integer(name, { mode: "number" }).primaryKey({ autoIncrement: true }),
  index: sqlite.index,
  uniqueIndex: sqlite.uniqueIndex,
  primaryKey: sqlite.primaryKey,
};
export type Dialect = typeof sqliteDialect;

/** Text compared byte by byte, as SQLite does, whatever the server's locale is. */
const pgText = pg.customType<{ data: string; driverData: string }>({
  dataType: () => 'text COLLATE "C"',
  toDriver: storable,
});
const pgJson = pg.customType<{ data: unknown; driverData: string }>({
  dataType: () => "text",
  toDriver: (value) => JSON.stringify(value),
  fromDriver: (text) => JSON.parse(text),
});
const pgTime = pg.customType<{ data: Date; driverData: string | number }>({
  dataType: () => "bigint",
  toDriver: (value) => value.getTime(),
  fromDriver: (value) => new Date(Number(value)),
});

/** PostgreSQL's builders, taken for SQLite's, whose types they follow: the one place where that is said. */
const postgresDialect = {
  table: pg.pgTable,
  text: pgText,
  int: (name: string) => pg.bigint(name, { mode: "number" }),
  real: (name: string) => pg.doublePrecision(name),
  bool: (name: string) => pg.boolean(name),
  time: pgTime,
  json: (name: string) => pgJson(name),
  counter: (name: string) => pg.bigint(name, { mode: "number" }).primaryKey().generatedByDefaultAsIdentity(),
  index: pg.index,
  uniqueIndex: pg.uniqueIndex,
  primaryKey: pg.primaryKey,
} as unknown as Dialect;

export type DialectName = "sqlite" | "postgres";
export const DIALECTS: Readonly<Record<DialectName, Dialect>> = { sqlite: sqliteDialect, postgres: postgresDialect };
