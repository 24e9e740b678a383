/** What a database says about itself, and SQL told to it past the store: for tests of migrations. */
import Database from "better-sqlite3";
import postgres from "postgres";
import type { StorePlace } from "./test-stores.ts";

type Catalogue = Record<string, unknown>;

/** Every table with its columns, keys and indexes, in an order and wording that does not tell how it came to be so. */
export async function readCatalogue(place: StorePlace): Promise<Catalogue> {
  return "file" in place ? sqliteCatalogue(place.file) : await postgresCatalogue(place.url);
}

export async function runSql(place: StorePlace, text: string): Promise<void> {
  if ("file" in place) {
    using connection = closing(new Database(place.file));
    connection.database.exec(text);
    return;
  }
  await withPostgres(place.url, (sql) => sql.unsafe(text));
}

function closing(database: InstanceType<typeof Database>): { database: typeof database } & Disposable {
  return { database, [Symbol.dispose]: () => database.close() };
}

async function withPostgres<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

function sqliteCatalogue(file: string): Catalogue {
  using connection = closing(new Database(file, { readonly: true }));
  const { database } = connection;
  const about = (pragma: string, name: string) =>
    (database.pragma(`${pragma}(${name})`) as Record<string, unknown>[]).map(({ seq, cid, id, ...rest }) => rest);
  const textOf = database.prepare<[unknown], string>("SELECT sql FROM sqlite_master WHERE name = ?").pluck();
  const tables = database
    .prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_stat%'")
    .pluck()
    .all();
  return Object.fromEntries(
    tables.sort().map((table) => {
      const indexes = about("index_list", table).map((index) => ({
        ...index,
        sql: textOf.get(index["name"]),
        columns: about("index_xinfo", String(index["name"])).map(({ name, desc, coll, key }) => ({
          name,
          desc,
          coll,
          key,
        })),
      }));
      const byName = (rows: Record<string, unknown>[]) =>
        rows.sort((a, b) => (String(a["name"]) < String(b["name"]) ? -1 : 1));
      const columns = byName(about("table_xinfo", table));
      return [table, { columns, indexes: byName(indexes), references: about("foreign_key_list", table) }];
    }),
  );
}

async function postgresCatalogue(url: string): Promise<Catalogue> {
  return await withPostgres(url, async (sql) => ({
    columns:
      await sql`SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity, collation_name
      FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, column_name`,
    indexes: await sql`SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexdef`,
    constraints: await sql`SELECT conrelid::regclass::text AS "table", conname, pg_get_constraintdef(oid) AS definition
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2`,
  }));
}
