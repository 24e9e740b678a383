/**
 * Locks between processes that end with their holder, kill -9 included. SQLite's exclusive transaction is used for
 * its file locks alone (fcntl, LockFileEx): they work on Windows and on NFS, and Node has no other.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import { damaged, entryAt } from "./files.ts";

export type Lock = { release(): void };

const holderInfo = z.object({ pid: z.number(), host: z.string(), purpose: z.string(), since: z.string() });

const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;
const RETRY_MS = 25;

/** A connection that nobody refers to would be collected, and its lock with it. */
const held = new Set<DatabaseSync>();

/**
 * Takes the lock `file` (made when missing; its folder must exist) for this process. BUSY, naming the holder's pid,
 * purpose and since when, while anyone has it, this process included. Never open `file` in any other way:
 * closing any descriptor of it would end the lock.
 */
export async function acquireLock(file: string, purpose: string): Promise<Lock> {
  if ((await entryAt(dirname(file))) === undefined)
    throw new HoldfastError("NOT_FOUND", {
      message: `${dirname(file)} does not exist, so nothing in it can be locked`,
      remedy: "Check the ids and whether the repository is mounted.",
    });
  const entry = await entryAt(file);
  if (entry !== undefined && entry.kind !== "file") throw damaged(file, "is not a regular file");
  const database = openExclusively(file);
  held.add(database);
  const holder = { pid: process.pid, host: hostname(), purpose, since: new Date().toISOString() };
  try {
    writeFileSync(holderPath(file), JSON.stringify(holder));
  } catch {
    // It only informs; the lock itself is held.
  }
  return { release: () => release(file, database) };
}

/** As `acquireLock`, but tries again for up to `waitMs` while it is BUSY. */
export async function acquireLockWithin(file: string, purpose: string, waitMs: number): Promise<Lock> {
  const until = performance.now() + waitMs;
  for (;;) {
    try {
      return await acquireLock(file, purpose);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== "BUSY" || performance.now() > until) throw error;
      await sleep(RETRY_MS);
    }
  }
}

function release(file: string, database: DatabaseSync): void {
  if (!held.delete(database)) return;
  rmSync(holderPath(file), { force: true });
  database.close();
}

function openExclusively(file: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database?.close();
    throw lockError(file, error);
  }
}

function lockError(file: string, cause: unknown): HoldfastError {
  // The low byte is SQLite's primary code; the rest tells variants apart.
  const code = Number((cause as { errcode?: number }).errcode ?? 0) & 0xff;
  if (code === SQLITE_BUSY) return busy(file);
  if (code === SQLITE_NOTADB) return damaged(file, "is not a lock file", cause);
  if (code === SQLITE_READONLY || code === SQLITE_CANTOPEN)
    return new HoldfastError("NO_PERMISSION", {
      message: `the lock ${file} cannot be opened for writing`,
      remedy: "See that its folder exists and that the agent's user may write there.",
      details: String(cause),
      cause,
    });
  if (code === 0) return asHoldfastError(cause, `locking ${file}`);
  return new HoldfastError("IO_ERROR", {
    message: `the lock ${file} cannot be taken`,
    remedy: "On a network file system, see that it is mounted with working locks.",
    details: String(cause),
    cause,
  });
}

function busy(file: string): HoldfastError {
  const holder = readHolder(file);
  const message = holder
    ? `${holder.purpose} is under way: process ${holder.pid} on ${holder.host}, since ${holder.since}`
    : `another process holds ${file}`;
  return new HoldfastError("BUSY", {
    message,
    remedy: "Wait until it is done, or end that process; the lock goes with it.",
    details: `lock: ${file}`,
  });
}

function readHolder(file: string): z.infer<typeof holderInfo> | undefined {
  try {
    return holderInfo.parse(JSON.parse(readFileSync(holderPath(file), "utf8")));
  } catch {
    return undefined;
  }
}

const holderPath = (file: string): string => `${file}.holder.json`;
