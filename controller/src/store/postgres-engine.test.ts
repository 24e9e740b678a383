import { sql } from "drizzle-orm";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PostgresServer, startPostgres } from "../../../test/helpers/postgres-server.ts";
import { ControllerError } from "../errors.ts";
import { putRows, rowsByKey } from "./bulk.ts";
import type { Db, Store } from "./db.ts";
import { putSetting, readSetting } from "./settings.ts";
import { openStore } from "./store.ts";

const WRITER = `SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'`;
const WRITTEN = ["half", "other half", "whole"];
let server: PostgresServer;
let url = "";

beforeAll(async () => {
  server = await startPostgres();
  url = server.url("postgres");
});
afterAll(() => server[Symbol.asyncDispose]());

async function tell(statement: string): Promise<Record<string, unknown>[]> {
  const admin = postgres(url, { max: 1 });
  return await admin.unsafe(statement).finally(() => admin.end());
}

/** A connection that was cut shows itself in the next write at the latest; the one after it is on a new one. */
async function writeAgain(store: Store, name: string): Promise<void> {
  await store
    .write((db) => putSetting(db, name, 1))
    .catch((error: unknown) => {
      if (!(error instanceof ControllerError && error.code === "UNAVAILABLE")) throw error;
    });
  await store.write((db) => putSetting(db, name, 2));
}

describe("the PostgreSQL store", () => {
  it("belongs to one controller at a time", async () => {
    const store = await openStore({ url });
    await expect(openStore({ url })).rejects.toMatchObject({ code: "DATABASE_IN_USE" });
    await store.close();
    await (await openStore({ url })).close();
  });

  it("finds by key what it found by reading a table that was empty", async () => {
    await tell("CREATE DATABASE grown");
    const grown = server.url("grown");
    const store = await openStore({ url: grown });
    const runs = (from: number) => Array.from({ length: 64 }, (_, index) => `run ${from + index}`);
    const look = () => store.write((db) => rowsByKey(db, db.tables.executions, db.tables.executions.runId, runs(0)));
    for (let time = 0; time < 10; time += 1) await look();
    const of = { agentId: "host", vmContextId: "disk", kind: "backup", state: "running" } as const;
    const at = { startedAt: new Date(), receivedAt: new Date() };
    for (let from = 0; from < 3000; from += 64)
      await store.write((db) => {
        const { executions } = db.tables;
        const rows = runs(from).map((runId) => ({ runId, ...of, ...at }));
        return putRows(db, executions, [executions.runId], rows);
      });
    for (let time = 0; time < 10; time += 1) expect(await look()).toHaveLength(64);
    await store.close();
    const admin = postgres(grown, { max: 1 });
    const [read] = await admin`SELECT seq_tup_read::int AS rows FROM pg_stat_user_tables WHERE relname = 'executions'`;
    await admin.end();
    expect(read?.["rows"]).toBeLessThan(1000);
  });

  it("goes on after its connection was cut", async () => {
    const store = await openStore({ url });
    await tell(WRITER);
    await writeAgain(store, "cut");
    expect(await store.read((db) => readSetting(db, "cut"))).toBe(2);
    await expect(openStore({ url })).rejects.toMatchObject({ code: "DATABASE_IN_USE" });
    await store.close();
  });

  it("undoes the write in which its connection was cut", async () => {
    const store = await openStore({ url });
    const cut = store.write(async (db) => {
      await putSetting(db, "half", 1);
      await tell(WRITER);
      await putSetting(db, "other half", 1);
    });
    const next = store.write((db) => putSetting(db, "whole", 1));
    await expect(cut).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await next;
    const found = await store.read((db) => rowsByKey(db, db.tables.settings, db.tables.settings.name, WRITTEN));
    expect(found.map(({ name }) => name)).toEqual(["whole"]);
    await store.close();
  });

  it("keeps the statements of many rows prepared from one write to the next", async () => {
    const store = await openStore({ url });
    const seen: unknown[] = [];
    for (let write = 1; write <= 3; write += 1)
      await store.write(async (db) => {
        const { settings } = db.tables;
        await putRows(db, settings, [settings.name], [{ name: "prepared", value: write }]);
        seen.push(await asked(db, "(select count(*) from pg_prepared_statements where statement like '%settings%')"));
      });
    expect(seen.map(Number)).toEqual([1, 1, 1]);
    await store.close();
  });

  it("writes nothing once another controller took over while it was cut off", async () => {
    const first = await openStore({ url });
    await tell(WRITER);
    const second = await openStore({ url });
    await expect(writeAgain(first, "both")).rejects.toMatchObject({ code: "DATABASE_IN_USE" });
    expect(await second.read((db) => readSetting(db, "both"))).toBeUndefined();
    await second.close();
    await first.write((db) => putSetting(db, "both", 3));
    await first.close();
  });

  it("is acknowledged on disk, whatever the server's default", async () => {
    await tell("ALTER SYSTEM SET synchronous_commit = off");
    await tell("SELECT pg_reload_conf()");
    const store = await openStore({ url });
    const [seen] = await tell("SHOW synchronous_commit");
    expect(seen).toEqual({ synchronous_commit: "off" });
    expect(await ownSetting(store)).toBe("on");
    await store.close();
  });

  it("says so of a server that is not there, and of one that does not want it", async () => {
    const absent = openStore({ url: "postgres://holdfast:secret@127.0.0.1:1/postgres" });
    await expect(absent).rejects.toMatchObject({ code: "UNAVAILABLE", message: expect.not.stringContaining("secret") });
    for (const wrong of [server.url("missing"), url.replace("holdfast@", "stranger:secret@")])
      await expect(openStore({ url: wrong })).rejects.toMatchObject({
        code: "BAD_CONFIG",
        message: expect.not.stringContaining("secret"),
      });
  });
});

async function ownSetting(store: Store): Promise<unknown> {
  return await store.write((db) => asked(db, "current_setting('synchronous_commit')"));
}

async function asked(db: Db, expression: string): Promise<unknown> {
  const { settings } = db.tables;
  const [row] = await db
    .select({ value: sql.raw(expression) })
    .from(settings)
    .limit(1);
  return row?.value;
}
