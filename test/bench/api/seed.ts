/** Fills an empty database past the store: indexes are made once, after the rows. */
import { closeSync, fsyncSync, openSync } from "node:fs";
import { createRequire } from "node:module";
import { DatabaseSync } from "node:sqlite";

type Rows = readonly Record<string, unknown>[];
type Sql = { unsafe: (statement: string) => Promise<Rows>; end: () => Promise<void> };
/** After so long the server knows what its processes read. */
const TOLD_LATE_MS = 2000;

type Place = { file: string } | { url: string };

export async function seed(place: Place, statements: readonly string[]): Promise<void> {
  if ("file" in place) return seedSqlite(place.file, statements);
  await withPostgres(place.url, (sql) => seedPostgres(sql, statements));
  await new Promise((done) => setTimeout(done, TOLD_LATE_MS));
}

/** The statistics are taken by the controller itself at its start. */
function seedSqlite(file: string, statements: readonly string[]): void {
  fillSqlite(file, statements);
  // As PostgreSQL's checkpoint below.
  const descriptor = openSync(file, "r+");
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function fillSqlite(file: string, statements: readonly string[]): void {
  using database = new DatabaseSync(file);
  // A file that is lost with the power is made anew.
  for (const pragma of ["journal_mode = OFF", "synchronous = OFF", "cache_size = -400000", "foreign_keys = OFF"])
    database.exec(`PRAGMA ${pragma}`);
  const indexes = database
    .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    .all();
  for (const { name } of indexes) database.exec(`DROP INDEX ${String(name)}`);
  database.exec("BEGIN");
  for (const statement of statements) database.exec(statement);
  for (const { sql } of indexes) database.exec(String(sql));
  database.exec("COMMIT");
}

const OWN_INDEXES = `SELECT indexname AS name, indexdef AS sql FROM pg_indexes
  WHERE schemaname = 'public' AND indexname NOT IN (SELECT conname FROM pg_constraint)`;

async function seedPostgres(sql: Sql, statements: readonly string[]): Promise<void> {
  await sql.unsafe("SET maintenance_work_mem = '512MB'");
  const indexes = await sql.unsafe(OWN_INDEXES);
  for (const { name } of indexes) await sql.unsafe(`DROP INDEX "${String(name)}"`);
  for (const statement of statements) await sql.unsafe(statement);
  for (const { sql: definition } of indexes) await sql.unsafe(String(definition));
  // As autovacuum does within a minute of so many new rows.
  await sql.unsafe("VACUUM ANALYZE");
  // Its first commits would wait for gigabytes that no controller has written within a minute.
  await sql.unsafe("CHECKPOINT");
}

/** Rows that PostgreSQL read from whole tables so far, by table: an index was of no use for them. */
export async function rowsScanned(url: string): Promise<Map<string, number>> {
  const rows = await withPostgres(url, (sql) =>
    sql.unsafe("SELECT relname AS name, seq_tup_read AS rows FROM pg_stat_user_tables"),
  );
  return new Map(rows.map(({ name, rows: read }) => [String(name), Number(read)]));
}

export async function withPostgres<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const load = createRequire(new URL("../../../controller/package.json", import.meta.url));
  const connect = load("postgres") as (url: string, options: object) => Sql;
  const sql = connect(url, { max: 1, onnotice: () => undefined });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}
