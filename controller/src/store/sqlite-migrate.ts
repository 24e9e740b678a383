import type Database from "better-sqlite3";
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
import { backUp, pathBeside } from "./sqlite-file.ts";
import { databaseDamaged } from "./store-errors.ts";

type Connection = InstanceType<typeof Database>;

/**
 * Brings the file to the newest schema, each migration in one transaction; a file that holds anything is copied beside
 * itself first. BAD_CONFIG when it is of a newer version or is no database of Holdfast's.
 */
export function migrateSqlite(
  connection: Connection,
  file: string,
  announce: Announce,
  folder = migrationsFolder("sqlite"),
): void {
  refuseForeign(connection);
  connection.exec(CREATE_MIGRATIONS_TABLE);
  const applied = connection
    .prepare<[], AppliedMigration>(`SELECT name, sha256 FROM ${MIGRATIONS_TABLE} ORDER BY name`)
    .all();
  const pending = pendingMigrations(loadMigrations(folder), applied);
  if (pending.length === 0) return;
  if (applied.length > 0) {
    const copy = pathBeside(file, pending[0]?.name ?? "migration");
    announce("the database is copied, then migrated", { copy, migrations: pending.map(({ name }) => name) });
    backUp(connection, copy);
  }
  // Rebuilding a table drops the old one, which must not take along what refers to it.
  connection.pragma("foreign_keys = OFF");
  try {
    for (const migration of pending) apply(connection, migration);
  } finally {
    connection.pragma("foreign_keys = ON");
  }
}

function refuseForeign(connection: Connection): void {
  const names = connection
    .prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .pluck()
    .all();
  if (names.length === 0 || names.includes(MIGRATIONS_TABLE)) return;
  throw new ControllerError("BAD_CONFIG", {
    message: "The database file belongs to another program: name another file.",
    details: `it holds ${names.slice(0, 5).join(", ")}`,
  });
}

function apply(connection: Connection, { name, sha256, statements }: Migration): void {
  const inOne = connection.transaction(() => {
    for (const statement of statements) connection.exec(statement);
    const broken = connection.pragma("foreign_key_check") as unknown[];
    if (broken.length > 0) throw databaseDamaged(`after ${name}, ${broken.length} rows refer to nothing`);
    connection.prepare(`INSERT INTO ${MIGRATIONS_TABLE} VALUES (?, ?, ?)`).run(name, sha256, Date.now());
  });
  inOne.immediate();
}
