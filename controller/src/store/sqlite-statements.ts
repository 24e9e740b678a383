/** One connection to SQLite as the asynchronous database that Db promises. */
import type Database from "better-sqlite3";
import { drizzle } from "drizzle-orm/sqlite-proxy";
import type { Db } from "./db.ts";
import type { Gate } from "./loop-turns.ts";
import { TABLES } from "./schema.ts";

type Connection = InstanceType<typeof Database>;
type Statement = Database.Statement<unknown[]>;
/** Statements kept per connection, the least recently used going first. */
const KEPT_STATEMENTS = 500;

/**
 * Each statement begins when `gate` lets it, in the order of the calls, and then holds the thread until it has ended:
 * between two statements of one piece of work others have their turn.
 */
export function bind(connection: Connection, gate: Gate): Db {
  const statementOf = keptStatements(connection);
  const db = drizzle(async (text, parameters: unknown[], method) => {
    // Many may have been begun together and are woken together: a turn takes a few of them.
    for (let wait = gate(); wait !== null; wait = gate()) await wait;
    const statement = statementOf(text);
    if (!statement.reader) {
      statement.run(...parameters);
      return { rows: [] };
    }
    statement.raw();
    return { rows: method === "get" ? (statement.get(...parameters) as unknown[]) : statement.all(...parameters) };
  });
  return Object.assign(db, { tables: TABLES.sqlite }) as unknown as Db;
}

/** To prepare a small query takes as long as to run it. */
function keptStatements(connection: Connection): (text: string) => Statement {
  const kept = new Map<string, Statement>();
  return (text) => {
    const statement = kept.get(text) ?? connection.prepare<unknown[]>(text);
    kept.delete(text);
    kept.set(text, statement);
    const [oldest] = kept.keys();
    if (kept.size > KEPT_STATEMENTS && oldest !== undefined) kept.delete(oldest);
    return statement;
  };
}
