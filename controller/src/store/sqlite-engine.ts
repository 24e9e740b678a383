import { closeSync, openSync } from "node:fs";
import Database from "better-sqlite3";
import type { Store } from "./db.ts";
import { loopTurns } from "./loop-turns.ts";
import { type Announce, silently } from "./migrations.ts";
import { oneByOne } from "./one-by-one.ts";
import { inForeground, isInBackground } from "./precedence.ts";
import { type Checkpointer, LAST_RESORT_PAGES, openCheckpointer } from "./sqlite-checkpoint.ts";
import { checkIntegrity, lockSqliteFile, makePrivately } from "./sqlite-file.ts";
import { type LogSettings, openLog, type SqliteLog } from "./sqlite-log.ts";
import { migrateSqlite } from "./sqlite-migrate.ts";
import { bind } from "./sqlite-statements.ts";
import { storeError } from "./store-errors.ts";
import { type WriterQueue, writerQueue } from "./writer-queue.ts";

type Connection = InstanceType<typeof Database>;
export type SqliteOptions = {
  file: string;
  /** Instead of the shipped ones; for tests of migrations. */
  migrations?: string;
  announce?: Announce;
  /** For tests of slow and broken disks. */
  log?: LogSettings;
};

/** Pages that a connection keeps; behind them the system keeps the whole file, as far as there is memory. */
const WRITER_CACHE_KIB = 16_384;
const READER_CACHE_KIB = 8192;
const WAL_LIMIT_BYTES = 64 * 1024 * 1024;

/** The default store: one writer, a reader of its own beside it. Errors as `openStore`. */
export function openSqlite({ file, migrations, announce = silently, log: logSettings }: SqliteOptions): Store {
  const opened: { close(): unknown }[] = [];
  try {
    opened.push(lockSqliteFile(file));
    makePrivately(file);
    // To the last: closing any descriptor of a file takes from a process the locks that SQLite holds on it.
    const descriptor = openSync(file, "r+");
    opened.push({ close: () => closeSync(descriptor) });
    const writer = connect(file, opened, WRITER_CACHE_KIB);
    checkIntegrity(writer, announce);
    migrateSqlite(writer, file, announce, migrations);
    // Statistics by which queries choose their index: taken anew where a table has grown by much.
    writer.pragma("optimize = 0x10002");
    const reader = connect(file, opened, READER_CACHE_KIB);
    reader.pragma("query_only = ON");
    const queue = writerQueue();
    const alone = (work: () => Promise<void>) => inForeground(() => queue.run(work));
    const checkpointer = openCheckpointer({ file, descriptor, writer, alone });
    const log = openLog(file, writer, logSettings);
    opened.push(log);
    return sqliteStore({ writer, reader, queue, checkpointer, log, close: () => closeAll(opened) });
  } catch (error) {
    closeAll(opened);
    throw storeError(error);
  }
}

function connect(file: string, opened: { close(): unknown }[], cacheKib: number): Connection {
  const connection = new Database(file, { timeout: 5000 });
  opened.push(connection);
  connection.pragma("journal_mode = WAL");
  connection.pragma("synchronous = FULL");
  connection.pragma("foreign_keys = ON");
  connection.pragma("temp_store = MEMORY");
  connection.pragma(`wal_autocheckpoint = ${LAST_RESORT_PAGES}`);
  connection.pragma(`cache_size = -${cacheKib}`);
  connection.pragma(`journal_size_limit = ${WAL_LIMIT_BYTES}`);
  return connection;
}

/** Last opened, first closed, so that the lock goes last. Once: a number that was closed may be another file by now. */
function closeAll(opened: { close(): unknown }[]): void {
  for (const one of opened.splice(0).reverse()) one.close();
}

type Parts = {
  writer: Connection;
  reader: Connection;
  queue: WriterQueue;
  checkpointer: Checkpointer;
  log: SqliteLog;
  close: () => void;
};

function sqliteStore({ writer, reader, queue, checkpointer, log, close }: Parts): Store {
  const turns = loopTurns();
  // Several jobs that read at a time would only make one long turn of the event loop of many pieces.
  const inLine = oneByOne();
  const rows = writer.prepare<[], { changed: number }>("SELECT total_changes() AS changed");
  const changed = (): number => rows.get()?.changed ?? 0;
  const writing = bind(writer, turns.inTransaction);
  const reading = bind(reader, turns.inRead);
  return {
    dialect: "sqlite",
    async read(work) {
      const piece = async () => {
        await turns.mine();
        return await work(reading);
      };
      try {
        const result = await (isInBackground() ? inLine(piece) : piece());
        // Nobody is told what a power cut could take back.
        await log.reached();
        return result;
      } catch (error) {
        throw storeError(error);
      }
    },
    async write(work, onOrdered) {
      const { result, reached } = await queue.run(async () => {
        await turns.mine();
        const before = changed();
        const written = await inTransaction(writer, () => work(writing));
        if (changed() !== before) {
          log.committed();
          checkpointer.committed();
        }
        onOrdered?.();
        return { result: written, reached: log.reached() };
      });
      // The next one works meanwhile: what it builds on is on the medium before it is.
      await reached;
      return result;
    },
    async close() {
      await queue.drained();
      await log.reached().catch(() => undefined);
      await checkpointer.close();
      close();
    },
  };
}

async function inTransaction<T>(writer: Connection, work: () => Promise<T>): Promise<T> {
  try {
    writer.exec("BEGIN IMMEDIATE");
    const result = await work();
    writer.exec("COMMIT");
    return result;
  } catch (error) {
    // A full disk may have ended the transaction already.
    if (writer.inTransaction) writer.exec("ROLLBACK");
    throw storeError(error);
  }
}
