/** Runs a suite on both databases, for real: SQLite files, and a PostgreSQL server of the test file's own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { afterAll, afterEach, describe } from "vitest";
import { type PostgresServer, startPostgres } from "../../../test/helpers/postgres-server.ts";
import type { Store } from "./db.ts";
import type { DialectName } from "./dialect.ts";
import { openStore } from "./store.ts";

export type StorePlace = { file: string } | { url: string };
export type OpenStore = {
  /** A store on a new empty database, closed and thrown away after the test. */
  (): Promise<Store>;
  /** A new empty database that the test opens, closes and opens again by itself; thrown away after the test. */
  place(): Promise<StorePlace>;
  readonly dialect: DialectName;
};

type Cleanup = () => Promise<unknown>;
let server: Promise<PostgresServer> | undefined;
let counted = 0;

/** Registers `name` twice, once per database. Call it at the top of a test file. */
export function describeOnBothStores(name: string, suite: (open: OpenStore) => void): void {
  afterAll(stopServer);
  for (const dialect of ["sqlite", "postgres"] as const) describe(`${name} (${dialect})`, () => suite(opener(dialect)));
}

function opener(dialect: DialectName): OpenStore {
  const cleanups: Cleanup[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  const place = () => (dialect === "sqlite" ? sqlitePlace(cleanups) : postgresPlace(cleanups));
  async function open(): Promise<Store> {
    const store = await openStore(await place());
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

async function postgresPlace(cleanups: Cleanup[]): Promise<StorePlace> {
  server ??= startPostgres();
  const { url } = await server;
  counted += 1;
  const name = `test_${counted}`;
  await asAdmin(url("postgres"), `CREATE DATABASE ${name}`);
  cleanups.push(() => asAdmin(url("postgres"), `DROP DATABASE ${name} WITH (FORCE)`));
  return { url: url(name) };
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}

async function stopServer(): Promise<void> {
  const running = server;
  server = undefined;
  await (await running)?.[Symbol.asyncDispose]();
}
