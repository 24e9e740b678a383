/** The spool's file: its tables, and how each process opens it. */
import { randomUUID } from "node:crypto";
import { closeSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { HoldfastError } from "../errors.ts";
import { DamagedSpool, isDamage } from "./failures.ts";

const SCHEMA_VERSION = 1;
/** How long another process's transaction is waited for; ours take milliseconds. */
const BUSY_MS = 10_000;
const WAL_KEPT_BYTES = 16 * 1024 * 1024;

/** `spool` holds one row. `owed_*`: the facts are to be told again, from which the daemon must not be killed free. */
const TABLES = `
CREATE TABLE spool (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  epoch TEXT NOT NULL, opened_at TEXT NOT NULL, opened_reason TEXT NOT NULL, opened_gap TEXT,
  acknowledged_seq INTEGER NOT NULL, acknowledged_event_id TEXT, last_seq INTEGER NOT NULL,
  used_bytes INTEGER NOT NULL, dropped INTEGER NOT NULL, dropped_since TEXT,
  owed_reason TEXT, owed_number INTEGER NOT NULL
) STRICT;
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL,
  body TEXT NOT NULL, bytes INTEGER NOT NULL, subject TEXT
) STRICT;
CREATE INDEX events_droppable ON events (seq) WHERE kind = 'log';
CREATE INDEX events_subject ON events (subject) WHERE subject IS NOT NULL;
CREATE TABLE commands (
  command_id TEXT PRIMARY KEY, command TEXT NOT NULL, state TEXT NOT NULL, last_change TEXT NOT NULL,
  deadline TEXT NOT NULL, noted_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE told (subject TEXT PRIMARY KEY, generation INTEGER NOT NULL, state TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE intents (intent_id TEXT PRIMARY KEY, intent TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE policy (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL, policy TEXT NOT NULL) STRICT;
`;

export type SpoolFile = {
  database: DatabaseSync;
  /** Which file on the disk this is: it may be set aside by another process while we have it open. */
  identity: string;
};

/** dev:ino of the file that now bears the spool's name; "" when there is none. */
export function fileIdentity(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? "" : `${found.dev}:${found.ino}`;
}

/** Where a damaged file is now, and what was wrong with it. */
export type SetAside = { keptAs: string; why: string };

/**
 * Opens the spool, made when missing. A damaged file is renamed to `<path>.damaged-<time>` and kept, and a new one
 * begins. `thorough` reads the whole file for damage (about a second per GiB), while others go on using it.
 */
export function openSpoolFile(
  path: string,
  { thorough, now }: { thorough: boolean; now: Date },
): { file: SpoolFile; setAside: SetAside | null } {
  const opened = oneAtATime(path, () => openOrSetAside(path, now, null));
  if (!thorough || opened.setAside !== null) return opened;
  const { database, identity } = opened.file;
  try {
    checkWhole(database);
    return opened;
  } catch (error) {
    database.close();
    if (!isDamage(error)) throw error;
    return oneAtATime(path, () => openOrSetAside(path, now, { identity, why: reasonOf(error) }));
  }
}

/** So that none opens, or sets aside again, what another has just begun anew. */
function oneAtATime<T>(path: string, work: () => T): T {
  const guard = openGuard(`${path}.lock`);
  try {
    return work();
  } finally {
    guard.close();
  }
}

/** `damaged`: which file was found so; another process may have set it aside meanwhile. */
function openOrSetAside(path: string, now: Date, damaged: { identity: string; why: string } | null) {
  let why = damaged !== null && damaged.identity === fileIdentity(path) ? damaged.why : null;
  if (why === null) {
    try {
      return { file: openChecked(path, now), setAside: null };
    } catch (error) {
      if (!isDamage(error)) throw error;
      why = reasonOf(error);
    }
  }
  const keptAs = setAside(path, now);
  return { file: openChecked(path, now), setAside: { keptAs, why } };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A mutex that the kernel takes back from a killed process. */
function openGuard(path: string): DatabaseSync {
  makeOwnerOnly(path);
  const guard = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    guard.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return guard;
  } catch (error) {
    guard.close();
    if (!isDamage(error)) throw error;
    rmSync(path);
    return openGuard(path);
  }
}

/** Never opens a file that is there: closing any descriptor of it would end this process's locks on it. */
function makeOwnerOnly(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function openChecked(path: string, now: Date): SpoolFile {
  makeOwnerOnly(path);
  const database = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${WAL_KEPT_BYTES}`,
    );
    prepareTables(database, now);
    return { database, identity: fileIdentity(path) };
  } catch (error) {
    database.close();
    throw error;
  }
}

function checkWhole(database: DatabaseSync): void {
  const [first] = database.prepare("PRAGMA quick_check(1)").all();
  if (first?.["quick_check"] !== "ok") throw new DamagedSpool(String(first?.["quick_check"]));
  checkRows(database);
}

/** What SQLite cannot know. seq has no holes: the controller would end every connection at one. */
function checkRows(database: DatabaseSync): void {
  const { missing, unreadable } =
    database
      .prepare(
        `SELECT last_seq - acknowledged_seq - (SELECT count(*) FROM events) AS missing,
         (SELECT count(*) FROM events WHERE NOT json_valid(body)) +
         (SELECT count(*) FROM commands WHERE NOT json_valid(command) OR NOT json_valid(last_change)) +
         (SELECT count(*) FROM told WHERE NOT json_valid(state)) +
         (SELECT count(*) FROM intents WHERE NOT json_valid(intent)) AS unreadable
         FROM spool`,
      )
      .get() ?? {};
  if (missing !== 0) throw new DamagedSpool(`${missing ?? "all"} events are missing`);
  if (unreadable !== 0) throw new DamagedSpool(`${unreadable} rows are no JSON`);
}

function prepareTables(database: DatabaseSync, now: Date): void {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version === SCHEMA_VERSION) return;
  if (version !== 0)
    throw new HoldfastError("CONFLICT", {
      message: `the spool was written by a newer Holdfast (its format is ${version}, this program knows ${SCHEMA_VERSION})`,
      remedy: "Install the newer version again.",
    });
  database.exec(`BEGIN IMMEDIATE; ${TABLES} PRAGMA user_version = ${SCHEMA_VERSION};`);
  database
    .prepare("INSERT INTO spool VALUES (1, ?, ?, 'new-spool', NULL, 0, NULL, 0, 0, 0, NULL, 'new-spool', 1)")
    .run(randomUUID(), now.toISOString());
  database.exec("COMMIT");
}

/** The log goes first: beside a new file of the same name SQLite would replay it into that. */
function setAside(path: string, now: Date): string {
  const keptAs = `${path}.damaged-${now.toISOString().replace(/[-:.]/g, "")}`;
  for (const part of ["-wal", "-shm", ""])
    if (statSync(`${path}${part}`, { throwIfNoEntry: false })) renameSync(`${path}${part}`, `${keptAs}${part}`);
  return keptAs;
}
