/** How SQLite goes about what a store is asked, in its own words. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { drizzle } from "drizzle-orm/better-sqlite3";
import type { Db, Store } from "./db.ts";
import { TABLES } from "./schema.ts";
import { openStore } from "./store.ts";

export type TestPlans = AsyncDisposable & {
  connection: InstanceType<typeof Database>;
  db: Db;
  /** Reads by `db`. Writes do too when `writes`, outside of any transaction; otherwise they fail, the store being closed. */
  store: Store;
  /** Every step of the plan of everything that `work` asks; `isMeant`: only of these statements. */
  stepsOf: (work: () => Promise<unknown>, isMeant?: (text: string) => boolean) => Promise<string[]>;
};

/** A store on a new SQLite file; `fill` puts rows into it first. */
export async function openTestPlans({
  fill,
  writes = false,
}: {
  fill?: (store: Store) => Promise<unknown>;
  writes?: boolean;
} = {}): Promise<TestPlans> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-plans-"));
  const file = join(folder, "controller.db");
  const opened = await openStore({ file });
  await fill?.(opened);
  await opened.close();
  const connection = new Database(file);
  let asked: { text: string; values: unknown[] }[] = [];
  const logger = { logQuery: (text: string, values: unknown[]) => void asked.push({ text, values }) };
  const db = Object.assign(drizzle(connection, { logger }), { tables: TABLES.sqlite }) as unknown as Db;
  const run: Store["read"] = (work) => work(db);
  return {
    connection,
    db,
    store: { ...opened, read: run, ...(writes ? { write: run } : {}) },
    async stepsOf(work, isMeant = () => true) {
      asked = [];
      await work();
      return asked
        .filter(({ text }) => isMeant(text))
        .flatMap(({ text, values }) =>
          connection.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${text}`).all(...values),
        )
        .map(({ detail }) => detail);
    },
    async [Symbol.asyncDispose]() {
      connection.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The plain list, each filter, and each pair of them. */
export function choicesOf<Filters extends object>(filters: Filters): Partial<Filters>[] {
  const each = Object.entries(filters).map(([name, value]) => ({ [name]: value }) as Partial<Filters>);
  const pairs = each.flatMap((one, index) => each.slice(index + 1).map((other) => ({ ...one, ...other })));
  return [{}, ...each, ...pairs];
}
