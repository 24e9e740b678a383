import type { Sql } from "postgres";
import { ControllerError } from "../errors.ts";
import {
  type Announce,
  type AppliedMigration,
  CREATE_MIGRATIONS_TABLE,
  loadMigrations,
  MIGRATIONS_TABLE,
  type Migration,
  migrationsFolder,
  pendingMigrations,
} from "./migrations.ts";

export type PostgresMigration = {
  /** Someone said that a dump was made (`--allow-migrate`). */
  allowMigrate: boolean;
  folder: string | undefined;
  announce: Announce;
};

/**
 * Brings the database to the newest schema, each migration in one transaction, which PostgreSQL undoes as a whole when it
 * fails. A database that holds anything is not touched without `allowMigrate`: only its own tools can dump it.
 * BAD_CONFIG then, and when it is of a newer version or holds another program's tables.
 */
export async function migratePostgres(sql: Sql, { allowMigrate, folder, announce }: PostgresMigration): Promise<void> {
  await refuseForeign(sql);
  await sql.unsafe(CREATE_MIGRATIONS_TABLE);
  const applied = await sql.unsafe<AppliedMigration[]>(
    `SELECT name, sha256 FROM ${MIGRATIONS_TABLE} ORDER BY name COLLATE "C"`,
  );
  const pending = pendingMigrations(loadMigrations(folder ?? migrationsFolder("postgres")), applied);
  if (pending.length > 0 && applied.length > 0 && !allowMigrate)
    throw new ControllerError("BAD_CONFIG", {
      message: "The database has to be migrated: dump it (pg_dump -Fc), then start once with --allow-migrate.",
      details: `to be applied: ${pending.map(({ name }) => name).join(", ")}`,
    });
  const names = pending.map(({ name }) => name);
  if (applied.length > 0 && names.length > 0) announce("the database is migrated", { migrations: names });
  for (const migration of pending) await apply(sql, migration);
}

async function refuseForeign(sql: Sql): Promise<void> {
  const rows = await sql.unsafe<{ name: string }[]>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()",
  );
  const names = rows.map(({ name }) => name);
  if (names.length === 0 || names.includes(MIGRATIONS_TABLE)) return;
  throw new ControllerError("BAD_CONFIG", {
    message: "The database holds another program's tables: create one for Holdfast alone.",
    details: `it holds ${names.slice(0, 5).join(", ")}`,
  });
}

async function apply(sql: Sql, { name, sha256, statements }: Migration): Promise<void> {
  await sql.begin(async (transaction) => {
    for (const statement of statements) await transaction.unsafe(statement);
    await transaction.unsafe(`INSERT INTO ${MIGRATIONS_TABLE} VALUES ($1, $2, $3)`, [name, sha256, String(Date.now())]);
  });
}
