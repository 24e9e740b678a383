/**
 * One PostgreSQL server for all test files of a run, started when the first of them asks: making one takes a second or
 * two, and there are more than a hundred files. Each test has databases of its own on it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import type { TestProject } from "vitest/node";
import { type PostgresServer, startPostgres } from "../../../test/helpers/postgres-server.ts";
import { openStore } from "./store.ts";

/** An empty store of the newest version, to be copied: migrating takes five times as long. */
const TEMPLATE = "empty_store";

/** `base`: of every database's address, which ends in its name. */
export type SharedPostgres = { base: string; template: string } | { error: string };

declare module "vitest" {
  export interface ProvidedContext {
    postgresSocket: string;
  }
}

let end: () => Promise<void> = async () => undefined;

export async function setup({ provide }: TestProject): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-shared-"));
  let server: Promise<PostgresServer> | undefined;
  const asked = createServer((socket) => {
    socket.on("error", () => undefined);
    const say = (words: SharedPostgres) => socket.end(JSON.stringify(words));
    server ??= startWithTemplate();
    server.then(
      (started) => say({ base: started.url(""), template: TEMPLATE }),
      (error: unknown) => say({ error: String(error) }),
    );
  });
  const path = join(folder, "asked");
  await new Promise<void>((resolve) => asked.listen(path, resolve));
  provide("postgresSocket", path);
  end = async () => {
    asked.close();
    await (await server)?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
}

export async function teardown(): Promise<void> {
  await end();
}

async function startWithTemplate(): Promise<PostgresServer> {
  const server = await startPostgres();
  const sql = postgres(server.url("postgres"), { max: 1, onnotice: () => undefined });
  await sql.unsafe(`CREATE DATABASE ${TEMPLATE}`);
  await sql.end();
  await (await openStore({ url: server.url(TEMPLATE) })).close();
  return server;
}
