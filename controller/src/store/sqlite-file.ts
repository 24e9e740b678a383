/** What is done with the SQLite file before it is used: one controller at a time, whole, and saved before it changes. */
import { closeSync, fsyncSync, openSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import Database from "better-sqlite3";
import { ControllerError } from "../errors.ts";
import type { Announce } from "./migrations.ts";
import { databaseDamaged } from "./store-errors.ts";

type Connection = InstanceType<typeof Database>;

/** Larger files get the check that leaves the indexes out: it has to end while someone waits for the start. */
const FULL_CHECK_BYTES = 512 * 1024 * 1024;

/**
 * Holds `<file>.lock` until `close` or the end of the process, however it ends: the lock is the operating system's own.
 * DATABASE_IN_USE while another process, or another store of this one, holds it.
 */
export function lockSqliteFile(file: string): Connection {
  const path = `${join(realFolder(file), basename(file))}.lock`;
  makePrivately(path);
  const lock = new Database(path, { timeout: 0 });
  try {
    lock.pragma("journal_mode = MEMORY");
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!code.startsWith("SQLITE_BUSY")) throw error;
    throw new ControllerError("DATABASE_IN_USE", {
      message: "Another controller uses this database: stop it first, or give this one a data folder of its own.",
      details: basename(file),
      cause: error,
    });
  }
}

function realFolder(file: string): string {
  try {
    return realpathSync(dirname(file));
  } catch (error) {
    throw new ControllerError("BAD_CONFIG", {
      message: "The folder of the database cannot be used: make it, or name another one.",
      details: dirname(file),
      cause: error,
    });
  }
}

/** DATABASE_DAMAGED with what SQLite found. */
export function checkIntegrity(connection: Connection, announce: Announce): void {
  const bytes = Number(connection.pragma("page_count", { simple: true })) * pageSize(connection);
  const check = bytes <= FULL_CHECK_BYTES ? "integrity_check(5)" : "quick_check(5)";
  if (bytes > FULL_CHECK_BYTES) announce("the database is checked", { bytes });
  const findings = (connection.pragma(check) as Record<string, string>[]).map((row) => Object.values(row).join(" "));
  if (findings.join() !== "ok") throw databaseDamaged(findings.join("; ").slice(0, 1000));
}

function pageSize(connection: Connection): number {
  return Number(connection.pragma("page_size", { simple: true }));
}

/** Makes the file, for its owner alone, unless it is there; what SQLite puts beside it gets the same mode. */
export function makePrivately(file: string): void {
  closeSync(openSync(file, "a", 0o600));
}

/** Where a copy of this moment lies. */
export function pathBeside(file: string, label: string): string {
  return `${file}.before-${label}-${new Date().toISOString().replace(/[-:]|\.\d+/g, "")}`;
}

/** A whole copy, on disk when this returns. */
export function backUp(connection: Connection, copy: string): void {
  makePrivately(copy);
  connection.prepare("VACUUM INTO ?").run(copy);
  for (const path of [copy, dirname(copy)]) {
    const handle = openSync(path, "r");
    fsyncSync(handle);
    closeSync(handle);
  }
}
