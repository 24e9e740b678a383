/** Older copies of each side's files, and going back to them. */
import { cp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { type FleetAgent, stopAgent } from "./fleet-agent.ts";
import { openController } from "./fleet-controller.ts";
import type { Fleet } from "./fleet-world.ts";

type Sql = { unsafe: (statement: string) => Promise<unknown>; end: () => Promise<void> };

/** Runs one statement on a server's database `postgres`. */
async function asAdmin(url: string, statement: string): Promise<void> {
  const load = createRequire(new URL("../../controller/package.json", import.meta.url));
  const connect = load("postgres") as (url: string, options: object) => Sql;
  const sql = connect(url.replace(/[^/]*$/, "postgres"), { max: 1, onnotice: () => undefined });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}

/** Copies all that a controller has, while it stands still. */
export async function keepController({ place, controller }: Fleet, name: string): Promise<void> {
  await controller.stop();
  await cp(place.dataDir, `${place.dataDir}-${name}`, { recursive: true });
  if (place.database !== null)
    await asAdmin(
      place.database,
      `CREATE DATABASE ${copyName(place.database, name)} TEMPLATE ${databaseName(place.database)}`,
    );
}

/** Ends the controller that runs and starts one on the copy. */
export async function rollBackController(fleet: Fleet, name: string): Promise<void> {
  const { place } = fleet;
  fleet.controller.process.kill("SIGKILL");
  await fleet.controller.process.ended;
  await rm(place.dataDir, { recursive: true });
  await cp(`${place.dataDir}-${name}`, place.dataDir, { recursive: true });
  if (place.database !== null) {
    const live = databaseName(place.database);
    await asAdmin(place.database, `DROP DATABASE ${live} WITH (FORCE)`);
    await asAdmin(place.database, `CREATE DATABASE ${live} TEMPLATE ${copyName(place.database, name)}`);
  }
  await goOnController(fleet);
}

export async function goOnController(fleet: Fleet): Promise<void> {
  fleet.controller = await openController(fleet.place);
}

function databaseName(url: string): string {
  return url.slice(url.lastIndexOf("/") + 1);
}

function copyName(url: string, name: string): string {
  return `${databaseName(url)}_${name}`;
}

/** Copies a host's state while its agent stands still. What it made lies elsewhere, and stays. */
export async function keepAgent(one: FleetAgent, name: string): Promise<void> {
  await stopAgent(one);
  await cp(one.stateDir, `${one.stateDir}-${name}`, { recursive: true });
}

export async function rollBackAgent(one: FleetAgent, name: string): Promise<void> {
  await stopAgent(one, "SIGKILL");
  await rm(one.stateDir, { recursive: true });
  await cp(`${one.stateDir}-${name}`, one.stateDir, { recursive: true });
}
