import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql, type TransactionSql } from "postgres";
import { ControllerError } from "../errors.ts";
import type { Db, Store } from "./db.ts";
import { type Announce, silently } from "./migrations.ts";
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
  announce?: Announce;
};

const READERS = 8;
const CONNECT_SECONDS = 10;
/** "HOLD": the advisory lock that the one controller of a database holds for as long as its writer is connected. */
const LOCK_KEY = 0x484f4c44;

/** `held`: the writer's connection stands, and no other controller has this database. */
type Lock = { held: boolean };
type LockAnswer = { held: boolean };
const NEVER = new Promise<never>(() => undefined);
const TAKE_LOCK = `SELECT pg_try_advisory_lock(${LOCK_KEY}) AS held`;

/** Errors as `openStore`. */
export async function openPostgres({
  url,
  allowMigrate,
  migrations,
  announce = silently,
}: PostgresOptions): Promise<Store> {
  const lock: Lock = { held: false };
  const writer = connect(url, {
    max: 1,
    // The lock belongs to this connection, so it is never renewed without need.
    max_lifetime: null,
    onclose: () => {
      lock.held = false;
    },
    connection: {
      // Acknowledged means on disk, whatever the server's own default is.
      synchronous_commit: "on",
      // It writes what it finds by keys. A plan made while a table was empty reads the whole of it, and is kept while it
      // grows, until the server looks at the table by itself: a minute or more, of which a new fleet makes much.
      enable_seqscan: "off",
    },
  });
  const reader = connect(url, { max: READERS, connection: { default_transaction_read_only: true } });
  try {
    await takeLock(lock, () => writer.unsafe<LockAnswer[]>(TAKE_LOCK));
    await migratePostgres(writer, {
      allowMigrate: allowMigrate === true,
      folder: migrations,
      announce,
    });
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
    // Its queries are short: to compile one takes longer than to run it.
    connection: { application_name: "holdfast", jit: "off", ...options.connection },
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
  const scope: Scope = { transaction: null };
  const writing = bind(drizzle(following(writer, lock, scope)));
  const inTransaction = transactions(writer, lock, scope);
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
    async write(work, onOrdered) {
      return await queue.run(() =>
        inTransaction(async () => {
          const result = await work(writing);
          onOrdered?.();
          return result;
        }),
      );
    },
    async close() {
      await queue.drained();
      await Promise.all([writer.end({ timeout: 5 }), reader.end({ timeout: 5 })]);
    },
  };
}

/** The one that is open; there is one writer. */
type Scope = { transaction: TransactionSql | null };

/**
 * The writer, whose queries go to the transaction that is open when they are run: what drizzle builds once is good for
 * all of them, where its own transactions would have each statement built anew in each.
 */
function following(writer: Sql, lock: Lock, scope: Scope): Sql {
  const unsafe: Sql["unsafe"] = (query, parameters, options) => {
    if (scope.transaction === null) throw new Error("a query outside of its transaction");
    if (!lock.held) throw Object.assign(new Error("the connection was cut"), { code: "CONNECTION_CLOSED" });
    return scope.transaction.unsafe(query, parameters, options);
  };
  return new Proxy(writer, { get: (target, name) => (name === "unsafe" ? unsafe : Reflect.get(target, name)) });
}

function transactions(writer: Sql, lock: Lock, scope: Scope) {
  return async <T>(work: () => Promise<T>): Promise<T> => {
    const { promise: result, resolve, reject } = Promise.withResolvers<T>();
    let working: Promise<void> | undefined;
    try {
      await writer.begin(async (transaction) => {
        await takeLock(lock, () => transaction.unsafe<LockAnswer[]>(TAKE_LOCK));
        scope.transaction = transaction;
        result.catch(() => undefined);
        working = work().then(resolve, reject);
        await working;
        // The driver ends the transaction itself then; a COMMIT or ROLLBACK on what is gone would end this process.
        if (!lock.held) await NEVER;
        return await result;
      });
      return await result;
    } catch (error) {
      throw storeError(error);
    } finally {
      // Cut off, it may not have noticed yet: what it would still write is not for the next transaction.
      scope.transaction = null;
      await working;
    }
  };
}

/** PostgreSQL's builders behind SQLite's types, which the tables follow too: the one place where the two meet. */
function bind(orm: ReturnType<typeof drizzle>): Db {
  return Object.assign(orm, { tables: TABLES.postgres }) as unknown as Db;
}
