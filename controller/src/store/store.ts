import type { Store } from "./db.ts";
import { openPostgres, type PostgresOptions } from "./postgres-engine.ts";
import { openSqlite, type SqliteOptions } from "./sqlite-engine.ts";

/**
 * Opens the controller's database, checks it and brings it to the newest schema. `file`: SQLite, made when it is missing
 * (its folder is not); `url`: `postgres://…`.
 * Errors: DATABASE_IN_USE (another controller has it), DATABASE_DAMAGED, UNAVAILABLE (cannot be reached),
 * BAD_CONFIG (of a newer Holdfast, another program's, or a PostgreSQL database to be migrated without `allowMigrate`).
 */
export async function openStore(options: SqliteOptions | PostgresOptions): Promise<Store> {
  return "url" in options ? openPostgres(options) : openSqlite(options);
}
