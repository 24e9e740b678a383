/** Many rows at once, in statements of few different lengths, each built once and kept prepared on both databases. */
import {
  type Column,
  getTableColumns,
  getTableName,
  type InferInsertModel,
  type InferSelectModel,
  inArray,
  sql,
} from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Db } from "./db.ts";
import { together } from "./together.ts";

/** Rows of one statement at most; each shorter length is a power of two. */
const LONGEST = 64;

type Prepared = { execute(values: Record<string, unknown>): Promise<unknown> };
/** PostgreSQL keeps a statement prepared on the server when it has a name; SQLite knows them by their text. */
type Preparable = { prepare(name: string): Prepared };
/** Building a statement of many parameters costs more than running it. Of each table only one answer is asked for. */
const built = new WeakMap<Db, Map<string, Prepared>>();

/** The rows whose `column` is one of `keys`, in no order. */
export async function rowsByKey<Table extends SQLiteTable>(
  db: Db,
  table: Table,
  column: Column,
  keys: Iterable<string>,
): Promise<InferSelectModel<Table>[]> {
  const answers = pieces([...new Set(keys)]).map((some) => {
    const statement = prepared(db, `${getTableName(table)} by ${column.name} ${some.length}`, () => {
      const places = some.map((_, index) => sql.placeholder(`${index}`));
      return db
        .select()
        .from(table as SQLiteTable)
        .where(inArray(column, places));
    });
    return statement.execute(byNumber(some));
  });
  return (await together(answers)).flat() as InferSelectModel<Table>[];
}

/** Adds rows; where one with the same key stands already, all its other columns are replaced. Keys must not repeat. */
export async function putRows<Table extends SQLiteTable>(
  db: Db,
  table: Table,
  key: readonly Column[],
  rows: readonly InferInsertModel<Table>[],
): Promise<void> {
  const done = encoded(table, rows).map(({ count, values }) => {
    const statement = prepared(db, `${getTableName(table)} put ${count}`, () => {
      const others = Object.entries(getTableColumns(table)).filter(([, column]) => !key.includes(column));
      const set = Object.fromEntries(others.map(([name, column]) => [name, sql.raw(`excluded."${column.name}"`)]));
      return db
        .insert(table as SQLiteTable)
        .values(placeholders(table, count))
        .onConflictDoUpdate({ target: [...key] as SQLiteColumn[], set });
    });
    return statement.execute(values);
  });
  await together(done);
}

/** Adds rows whose keys are new; answers these columns of each, in no order. CONFLICT when a key is not new. */
export async function addRows<Table extends SQLiteTable, Answer extends Record<string, SQLiteColumn>>(
  db: Db,
  table: Table,
  rows: readonly InferInsertModel<Table>[],
  answer: Answer,
): Promise<{ [Name in keyof Answer]: Answer[Name]["_"]["data"] }[]> {
  const answers = encoded(table, rows).map(({ count, values }) => {
    const statement = prepared(db, `${getTableName(table)} add ${count}`, () =>
      db
        .insert(table as SQLiteTable)
        .values(placeholders(table, count))
        .returning(answer),
    );
    return statement.execute(values);
  });
  return (await together(answers)).flat() as { [Name in keyof Answer]: Answer[Name]["_"]["data"] }[];
}

/** Cut into pieces of 64, 32, 16 … 1. */
export function pieces<Value>(values: readonly Value[]): Value[][] {
  const all: Value[][] = [];
  let length = LONGEST;
  for (let from = 0; from < values.length; from += length) {
    while (length > values.length - from) length /= 2;
    all.push(values.slice(from, from + length));
  }
  return all;
}

/** Builds a statement once for each database. Its placeholders take what the driver takes. */
export function prepared(db: Db, name: string, build: () => Preparable): Prepared {
  const known = built.get(db) ?? new Map<string, Prepared>();
  built.set(db, known);
  const statement = known.get(name) ?? build().prepare(name);
  known.set(name, statement);
  return statement;
}

/** Every column of every row is a parameter, as the driver takes it; counted-up keys are the database's. */
function placeholders(table: SQLiteTable, rows: number): Record<string, unknown>[] {
  const columns = columnsOf(table);
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(
      columns.map(([name], index) => [name, sql`${sql.placeholder(`${row * columns.length + index}`)}`]),
    ),
  );
}

/** All, before the first is begun: what cannot be encoded must not leave one of them behind. */
function encoded(table: SQLiteTable, rows: readonly object[]) {
  return pieces(rows).map((some) => ({ count: some.length, values: byNumber(rowValues(table, some)) }));
}

/** In the order of `placeholders`. drizzle's own encoding of placeholders cannot take null. */
function rowValues(table: SQLiteTable, rows: readonly object[]): unknown[] {
  const columns = columnsOf(table);
  const values: unknown[] = [];
  for (const fields of rows)
    for (const [name, column] of columns) {
      const value: unknown = Reflect.get(fields, name) ?? null;
      values.push(value === null ? null : column.mapToDriverValue(value));
    }
  return values;
}

/** drizzle looks up each placeholder by its name: a number in an array is found much sooner than one of 2,000 names. */
function byNumber(values: readonly unknown[]): Record<string, unknown> {
  return values as unknown as Record<string, unknown>;
}

const columnsKnown = new WeakMap<SQLiteTable, [string, Column][]>();

function columnsOf(table: SQLiteTable): [string, Column][] {
  const columns =
    columnsKnown.get(table) ?? Object.entries(getTableColumns(table)).filter(([, column]) => !isCounter(column));
  columnsKnown.set(table, columns);
  return columns;
}

function isCounter(column: Column): boolean {
  return column.primary && column.dataType === "number";
}
