/** `npm run test:long -- <name>`: tests that take minutes. Each prints one JSON line and exits 1 when anything is wrong. */
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type FleetKillReport, runFleetKills } from "./helpers/fleet-kills.ts";
import { runKills } from "./helpers/kill-run.ts";
import { readZonesWish, runZones } from "./helpers/ledger-zones.ts";
import { startPostgres } from "./helpers/postgres-server.ts";
import { projectRoot, runTool } from "./helpers/run-tool.ts";
import { runServiceKills } from "./helpers/service-kills.ts";
import { runTellingKills } from "./helpers/telling-kills.ts";

type Wish = { seed: number; kills: number; onProgress: (line: string) => void };
type Summary = FleetKillReport["summary"];

function readWish(args: string[]): Wish {
  const options = { seed: { type: "string" }, kills: { type: "string" } } as const;
  const { values } = parseArgs({ args, options });
  const seed = Number(values.seed ?? randomInt(1_000_000));
  const count = Number(values.kills ?? 240);
  if (!Number.isInteger(seed) || !Number.isInteger(count) || count < 1)
    throw new Error("--seed and --kills take numbers");
  const onProgress = (line: string): void => void process.stderr.write(`${line}\n`);
  onProgress(`seed ${seed}`);
  return { seed, kills: count, onProgress };
}

function answer(summary: object, faults: readonly string[]): boolean {
  for (const fault of faults) process.stderr.write(`FAULT ${fault}\n`);
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  return faults.length === 0;
}

async function kills(args: string[]): Promise<boolean> {
  const { summary, faults } = await runKills(readWish(args));
  return answer(summary, faults);
}

/** Half of them on each database. */
async function fleetKills(args: string[]): Promise<boolean> {
  const wish = readWish(args);
  const half = Math.ceil(wish.kills / 2);
  const onSqlite = await runFleetKills({ ...wish, kills: half, database: null });
  await using server = await startPostgres();
  wish.onProgress("PostgreSQL");
  const onPostgres = await runFleetKills({ ...wish, kills: wish.kills - half, database: server.url("postgres") });
  const sum = (name: keyof Summary): number => onSqlite.summary[name] + onPostgres.summary[name];
  const counts = { false_completed: sum("false_completed"), lost: sum("lost"), doubled: sum("doubled") };
  const summary = { seed: wish.seed, kills: sum("kills"), points: sum("points"), ...counts };
  return answer(summary, [...onSqlite.faults, ...onPostgres.faults]);
}

/** Of the command line on an enrolled host, which has to tell what it did. */
async function tellingKills(args: string[]): Promise<boolean> {
  const { summary, faults } = await runTellingKills(readWish(args));
  return answer(summary, faults);
}

/** Of `holdfast-agent serve` while it carries out what the API asks. */
async function serviceKills(args: string[]): Promise<boolean> {
  const { summary, faults } = await runServiceKills(readWish(args));
  return answer(summary, faults);
}

/** Of one job each, over years, in every time zone. */
async function ledger(args: string[]): Promise<boolean> {
  const { summary, faults } = await runZones(readZonesWish(args));
  return answer(summary, faults);
}

/** All that `npm test` does only samples of; `args`: names of files, and whatever else vitest takes. */
async function whole(args: string[]): Promise<boolean> {
  process.env["HOLDFAST_LONG"] = "1";
  const { code, stdout, stderr } = await runTool("vitest", ["run", ...args]);
  process.stderr.write(`${stdout}${stderr}`);
  return answer({ whole: args, passed: code === 0 }, []) && code === 0;
}

const LONG_TESTS = new Map<string, (args: string[]) => Promise<boolean>>([
  ["kills", kills],
  ["fleet-kills", fleetKills],
  ["telling-kills", tellingKills],
  ["service-kills", serviceKills],
  ["ledger", ledger],
  ["whole", whole],
]);

// Node compiles each program once, and not for each of hundreds of processes anew.
process.env["NODE_COMPILE_CACHE"] ??= join(projectRoot, "node_modules/.cache/holdfast-tests");

async function main([name = "", ...rest]: string[]): Promise<number> {
  const test = LONG_TESTS.get(name);
  if (test !== undefined) return (await test(rest)) ? 0 : 1;
  process.stderr.write(`Which one? npm run test:long -- ${[...LONG_TESTS.keys()].join(" | ")}\n`);
  return 2;
}

process.exitCode = await main(process.argv.slice(2));
