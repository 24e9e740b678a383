/** SQLite's write-ahead log, brought to the medium by us: SQLite itself would stop the whole thread for each commit. */
import { closeSync, fdatasync, openSync } from "node:fs";
import { promisify } from "node:util";
import type Database from "better-sqlite3";
import { ControllerError } from "../errors.ts";
import { type LogSync, openLogSync } from "./sqlite-log-sync.ts";

export type SqliteLog = LogSync & { close(): void };
export type LogSettings = {
  /** Brings a file's content to the medium. */
  sync: (descriptor: number) => Promise<void>;
  /** Called when that failed. */
  onLost: (error: unknown) => void;
};

const DEFAULTS: LogSettings = { sync: promisify(fdatasync), onLost: endProcess };

/** Of the file that `writer` has open and has read; from now on a commit of its is on the medium when `reached` resolves. */
export function openLog(
  file: string,
  writer: InstanceType<typeof Database>,
  { sync, onLost }: LogSettings = DEFAULTS,
): SqliteLog {
  const descriptor = openSync(`${file}-wal`, "r+");
  writer.pragma("synchronous = NORMAL");
  const log = openLogSync(async () => {
    try {
      await sync(descriptor);
    } catch (cause) {
      throw logLost(cause);
    }
  }, onLost);
  return { ...log, close: () => closeSync(descriptor) };
}

function logLost(cause: unknown): ControllerError {
  return new ControllerError("UNAVAILABLE", {
    message: "The disk did not take what was written to the database: look at the disk, then start again.",
    cause,
  });
}

/** The system says it once, and from then on takes for written what it could not write: only a new start reads the truth. */
function endProcess(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
