/** Runs a suite on both databases, for real: SQLite files, and databases on a PostgreSQL server. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { afterEach, describe, inject } from "vitest";
import type { Store } from "./db.ts";
import type { DialectName } from "./dialect.ts";
import { openStore } from "./store.ts";
import type { SharedPostgres } from "./test-shared-postgres.ts";

export type StorePlace = { file: string } | { url: string };
export type OpenStore = {
  /** A store on a new empty database, closed and thrown away after the test. */
  (): Promise<Store>;
  /** A new empty database that the test opens, closes and opens again by itself; thrown away after the test. */
  place(): Promise<StorePlace>;
  readonly dialect: DialectName;
};

type Cleanup = () => Promise<unknown>;
let shared: Promise<{ base: string; template: string }> | undefined;
let counted = 0;

/** Registers `name` twice, once per database. Call it at the top of a test file. */
export function describeOnBothStores(name: string, suite: (open: OpenStore) => void): void {
  for (const dialect of ["sqlite", "postgres"] as const) describe(`${name} (${dialect})`, () => suite(opener(dialect)));
}

function opener(dialect: DialectName): OpenStore {
  const cleanups: Cleanup[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  const place = () => (dialect === "sqlite" ? sqlitePlace(cleanups) : postgresPlace(cleanups, "empty"));
  async function open(): Promise<Store> {
    const store = await openStore(dialect === "sqlite" ? await place() : await postgresPlace(cleanups, "migrated"));
    cleanups.push(() => store.close());
    return store;
  }
  return Object.assign(open, { place, dialect });
}

async function sqlitePlace(cleanups: Cleanup[]): Promise<StorePlace> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-store-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return { file: join(folder, "controller.db") };
}

/** The address of a new empty database on the server that all test files share; it goes with the server. */
export async function newDatabase(): Promise<string> {
  shared ??= askForServer();
  const { base } = await shared;
  const name = `own_${randomUUID().replaceAll("-", "")}`;
  await asAdmin(`${base}postgres`, `CREATE DATABASE ${name}`);
  return `${base}${name}`;
}

async function postgresPlace(cleanups: Cleanup[], content: "empty" | "migrated"): Promise<StorePlace> {
  shared ??= askForServer();
  const { base, template } = await shared;
  counted += 1;
  const name = `test_${process.pid}_${counted}`;
  // By way of its log, which is PostgreSQL's own choice, a copy costs thrice as much.
  const copied = content === "migrated" ? ` TEMPLATE ${template} STRATEGY FILE_COPY` : "";
  await asAdmin(`${base}postgres`, `CREATE DATABASE ${name}${copied}`);
  cleanups.push(() => asAdmin(`${base}postgres`, `DROP DATABASE ${name} WITH (FORCE)`));
  return { url: `${base}${name}` };
}

async function askForServer(): Promise<{ base: string; template: string }> {
  const socket = createConnection(inject("postgresSocket"));
  let said = "";
  for await (const piece of socket.setEncoding("utf8")) said += piece;
  const answer = JSON.parse(said) as SharedPostgres;
  if ("error" in answer) throw new Error(answer.error);
  return answer;
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}
