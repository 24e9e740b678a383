import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { ControllerError } from "../errors.ts";
import type { Db, Store } from "./db.ts";
import { migratePostgres } from "./postgres-migrate.ts";
import { TABLES } from "./schema.ts";
import { storeError } from "./store-errors.ts";
import { writerQueue } from "./writer-queue.ts";

export type PostgresOptions = {
  url: string;
  /** A database that holds anything is migrated only with it: a dump was made. */
  allowMigrate?: boolean;
  /** Instead of the shipped ones; for tests of migrations. */
  migrations?: string;
};

const READERS = 8;
const CONNECT_SECONDS = 10;
/** "HOLD": the advisory lock that the one controller of a database holds for as long as its writer is connected. */
const LOCK_KEY = 0x484f4c44;

type Lock = { held: boolean };
type LockAnswer = { held: boolean };
const TAKE_LOCK = `SELECT pg_try_advisory_lock(${LOCK_KEY}) AS held`;

/** Errors as `openStore`. */
export async function openPostgres({ url, allowMigrate, migrations }: PostgresOptions): Promise<Store> {
  const lock: Lock = { held: false };
  const writer = connect(url, {
    max: 1,
    // The lock belongs to this connection, so it is never renewed without need.
    max_lifetime: null,
    onclose: () => {
      lock.held = false;
    },
    // Acknowledged means on disk, whatever the server's own default is.
    connection: { synchronous_commit: "on" },
  });
  const reader = connect(url, { max: READERS, connection: { default_transaction_read_only: true } });
  try {
    await takeLock(lock, () => writer.unsafe<LockAnswer[]>(TAKE_LOCK));
    await migratePostgres(writer, { allowMigrate: allowMigrate === true, folder: migrations });
    return postgresStore(writer, reader, lock);
  } catch (error) {
    await Promise.all([writer.end({ timeout: 1 }), reader.end({ timeout: 1 })]);
    throw storeError(error);
  }
}

function connect(url: string, options: postgres.Options<Record<string, never>>): Sql {
  return postgres(url, {
    connect_timeout: CONNECT_SECONDS,
    onnotice: () => undefined,
    ...options,
    connection: { application_name: "holdfast", ...options.connection },
  });
}

/**
 * After a lost connection another controller may have taken over, so each transaction on a new connection asks first,
 * inside the transaction: what it then writes is written by the lock's holder. DATABASE_IN_USE when another has it.
 */
async function takeLock(lock: Lock, ask: () => Promise<Iterable<LockAnswer>>): Promise<void> {
  if (lock.held) return;
  const [answer] = await ask();
  if (answer?.held !== true)
    throw new ControllerError("DATABASE_IN_USE", {
      message: "Another controller uses this database: stop it first, or give this one a database of its own.",
    });
  lock.held = true;
}

function postgresStore(writer: Sql, reader: Sql, lock: Lock): Store {
  const queue = writerQueue();
  const writing = drizzle(writer);
  const reading = bind(drizzle(reader));
  return {
    dialect: "postgres",
    async read(work) {
      try {
        return await work(reading);
      } catch (error) {
        throw storeError(error);
      }
    },
    write: (work) => queue.run(() => inTransaction(writing, lock, work)),
    async close() {
      await queue.drained();
      await Promise.all([writer.end({ timeout: 5 }), reader.end({ timeout: 5 })]);
    },
  };
}

type Orm = ReturnType<typeof drizzle>;
type Transaction = Parameters<Parameters<Orm["transaction"]>[0]>[0];

async function inTransaction<T>(orm: Orm, lock: Lock, work: (db: Db) => Promise<T>): Promise<T> {
  try {
    return await orm.transaction(async (transaction) => {
      await takeLock(lock, () => transaction.execute<LockAnswer>(sql.raw(TAKE_LOCK)));
      return await work(bind(transaction));
    });
  } catch (error) {
    throw storeError(error);
  }
}

/** PostgreSQL's builders behind SQLite's types, which the tables follow too: the one place where the two meet. */
function bind(orm: Orm | Transaction): Db {
  return Object.assign(orm, { tables: TABLES.postgres }) as unknown as Db;
}
