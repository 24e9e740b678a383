/** The reviewed SQL files of controller/migrations: which there are, and which a database still needs. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ControllerError } from "../errors.ts";
import type { DialectName } from "./dialect.ts";

/** `sha256` is of the whole file: an applied migration never changes. */
export type Migration = { name: string; sha256: string; statements: string[] };
export type AppliedMigration = { name: string; sha256: string };

/** Made by hand in both databases before any migration, so it is in none of them. */
/** Told before a start does what takes seconds or minutes on a large database: a sentence, and facts for the log. */
export type Announce = (sentence: string, facts: Record<string, unknown>) => void;

/** To whom nothing is told. */
export const silently: Announce = () => undefined;

export const MIGRATIONS_TABLE = "schema_migrations";
export const CREATE_MIGRATIONS_TABLE =
  `CREATE TABLE IF NOT EXISTS ${MIGRATIONS_TABLE} ` +
  "(name text PRIMARY KEY NOT NULL, sha256 text NOT NULL, applied_at bigint NOT NULL)";

const BETWEEN_STATEMENTS = "--> statement-breakpoint";

export function migrationsFolder(dialect: DialectName): string {
  return fileURLToPath(new URL(`../../migrations/${dialect}`, import.meta.url));
}

/** All migrations in their order. */
export function loadMigrations(folder: string): Migration[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name) => readMigration(name, readFileSync(`${folder}/${name}`, "utf8")));
}

function readMigration(file: string, text: string): Migration {
  return {
    name: file.slice(0, -".sql".length),
    sha256: createHash("sha256").update(text).digest("hex"),
    statements: text
      .split(BETWEEN_STATEMENTS)
      .map((statement) => statement.trim())
      .filter((statement) => statement !== ""),
  };
}

/**
 * What is still to be applied. BAD_CONFIG when the database is of a newer Holdfast, or was made by migrations that are
 * not these.
 */
export function pendingMigrations(known: readonly Migration[], applied: readonly AppliedMigration[]): Migration[] {
  if (applied.length > known.length)
    throw new ControllerError("BAD_CONFIG", {
      message:
        "The database was written by a newer Holdfast: start that version, " +
        "or restore the backup that was made before it was upgraded.",
      details: `unknown here: ${applied
        .slice(known.length)
        .map(({ name }) => name)
        .join(", ")}`,
    });
  for (const [index, { name, sha256 }] of applied.entries()) {
    if (known[index]?.name === name && known[index].sha256 === sha256) continue;
    throw new ControllerError("BAD_CONFIG", {
      message: "The database was made by another line of Holdfast's versions: use the one that made it.",
      details: `its migration ${name} is not the one known here`,
    });
  }
  return known.slice(applied.length);
}
