/** The spool's file as several processes use it at once, any of which may find it damaged and set it aside. */
import type { DatabaseSync } from "node:sqlite";
import { fileIdentity, openSpoolFile, type SpoolFile } from "./database.ts";
import { isDamage, spoolError } from "./failures.ts";

const ATTEMPTS = 3;

export type SharedFile = {
  /** One transaction. It may be run a second time when the file was set aside meanwhile. */
  write<T>(work: (database: DatabaseSync) => T): T;
  read<T>(work: (database: DatabaseSync) => T): T;
  /** A text that changes when anything was written, by this process or another. */
  version(): string;
  close(): void;
};

export type SharedFileOptions = {
  thorough: boolean;
  now: () => Date;
  /** Inside the new file's first transaction. */
  onSetAside: (database: DatabaseSync, keptAs: string, why: string) => void;
};

/** Every call throws what `spoolError` has; damage found on the way sets the file aside and begins a new one. */
export function openSharedFile(path: string, options: SharedFileOptions): SharedFile {
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw spoolError(path, error);
    }
  };
  let writes = 0;
  let file = guarded(() => openOrBegin(path, options, options.thorough));

  const reopen = (thorough: boolean): void => {
    file.database.close();
    file = openOrBegin(path, options, thorough);
  };
  const attempt = <T>(work: (database: DatabaseSync) => T, left: number): T => {
    if (fileIdentity(path) !== file.identity) reopen(false);
    try {
      const result = work(file.database);
      // What was committed into a file that was being set aside would never be told.
      return fileIdentity(path) === file.identity || left === 1 ? result : attempt(work, left - 1);
    } catch (error) {
      if (!isDamage(error) || left === 1) throw error;
      reopen(true);
      return attempt(work, left - 1);
    }
  };
  return {
    write: (work) => {
      writes += 1;
      return guarded(() => attempt((database) => inTransaction(database, work), ATTEMPTS));
    },
    read: (work) => guarded(() => attempt(work, ATTEMPTS)),
    version: () =>
      guarded(() =>
        attempt((database) => {
          const version = database.prepare("PRAGMA data_version").get()?.["data_version"];
          return `${file.identity}:${version}:${writes}`;
        }, ATTEMPTS),
      ),
    close: () => file.database.close(),
  };
}

function openOrBegin(path: string, options: SharedFileOptions, thorough: boolean): SpoolFile {
  const { now, onSetAside } = options;
  const { file, setAside } = openSpoolFile(path, { thorough, now: now() });
  if (setAside !== null)
    inTransaction(file.database, (database) => onSetAside(database, setAside.keptAs, setAside.why));
  return file;
}

function inTransaction<T>(database: DatabaseSync, work: (database: DatabaseSync) => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work(database);
    database.exec("COMMIT");
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
