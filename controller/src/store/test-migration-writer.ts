/**
 * What the schema has that the migrations lack, as SQL. Run with a name, it writes the next migration of both databases:
 * `node controller/src/store/test-migration-writer.ts <name>`; read the files before you commit them.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import {
  type DrizzleSnapshotJSON,
  type DrizzleSQLiteSnapshotJSON,
  generateDrizzleJson,
  generateMigration,
  generateSQLiteDrizzleJson,
  generateSQLiteMigration,
} from "drizzle-kit/api";
import type { DialectName } from "./dialect.ts";
import { migrationsFolder } from "./migrations.ts";
import { TABLES } from "./schema.ts";

export type SchemaChange = { statements: string[]; snapshot: object };

/** From the snapshot of the newest migration (from an empty database when `fromEmpty`) to the schema as it is written. */
export async function schemaChange(dialect: DialectName, fromEmpty = false): Promise<SchemaChange> {
  const previous = fromEmpty ? undefined : newestSnapshot(dialect);
  if (dialect === "sqlite") {
    const before = (previous ?? (await generateSQLiteDrizzleJson({}))) as DrizzleSQLiteSnapshotJSON;
    const snapshot = await generateSQLiteDrizzleJson(TABLES.sqlite, before.id);
    return { statements: await generateSQLiteMigration(before, snapshot), snapshot };
  }
  const before = (previous ?? generateDrizzleJson({})) as DrizzleSnapshotJSON;
  const snapshot = generateDrizzleJson(TABLES.postgres, before.id);
  return { statements: await generateMigration(before, snapshot), snapshot };
}

function newestSnapshot(dialect: DialectName): object | undefined {
  const folder = `${migrationsFolder(dialect)}/snapshots`;
  const newest = list(folder).at(-1);
  return newest === undefined ? undefined : (JSON.parse(readFileSync(`${folder}/${newest}`, "utf8")) as object);
}

function list(folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder).sort();
}

async function writeNext(dialect: DialectName, name: string): Promise<void> {
  const folder = migrationsFolder(dialect);
  const number = String(list(`${folder}/snapshots`).length).padStart(4, "0");
  const { statements, snapshot } = await schemaChange(dialect);
  if (statements.length === 0) return;
  writeFileSync(
    `${folder}/${number}-${name}.sql`,
    `${statements.map((one) => one.trim()).join("\n--> statement-breakpoint\n")}\n`,
  );
  writeFileSync(`${folder}/snapshots/${number}.json`, `${JSON.stringify(snapshot, null, 1)}\n`);
}

if (import.meta.main) {
  const name = process.argv[2];
  if (name === undefined || !/^[a-z0-9-]+$/.test(name)) throw new Error("name the migration: a-z, 0-9 and '-'");
  await writeNext("sqlite", name);
  await writeNext("postgres", name);
}
