/** Ten years of the ledger in every zone that there is, on all processors. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { runYears } from "./ledger-years.ts";

export type ZonesReport = {
  summary: { seed: number; zones: number; years: number; dues: number; runs: number; alarms: number; faults: number };
  faults: string[];
};
type Wish = { seed: number; years: number };
/** Every `parts`th zone, beginning with number `part`. */
export type ZonesPart = Wish & { part: number; parts: number };
type ZoneReport = { zone: string; dues: number; runs: number; alarms: number; faults: string[] };

const YEAR_MS = 365.25 * 86_400_000;

/** `--seed 1 --years 10`. */
export function readZonesWish(args: string[]): Wish {
  const { values } = parseArgs({ args, options: { seed: { type: "string" }, years: { type: "string" } } });
  const seed = Number(values.seed ?? 1);
  const years = Number(values.years ?? 10);
  if (!Number.isInteger(seed) || !(years > 0)) throw new Error("--seed and --years take numbers");
  return { seed, years };
}

export async function runZones(wish: Wish): Promise<ZonesReport> {
  const zones = Intl.supportedValuesOf("timeZone").length;
  const summary = { ...wish, zones, dues: 0, runs: 0, alarms: 0, faults: 0 };
  const faults: string[] = [];
  let done = 0;
  const add = (one: ZoneReport): void => {
    done += 1;
    summary.dues += one.dues;
    summary.runs += one.runs;
    summary.alarms += one.alarms;
    summary.faults += one.faults.length;
    faults.push(...one.faults);
    const found = `${one.dues} dues, ${one.alarms} alarms, ${one.faults.length} faults`;
    process.stderr.write(`${done}/${zones} ${one.zone}: ${found}\n`);
  };
  const parts = availableParallelism();
  await Promise.all(Array.from({ length: parts }, (_, part) => inThread({ ...wish, part, parts }, add)));
  if (done !== zones) throw new Error(`${zones - done} zones were left out`);
  return { summary, faults };
}

export function runZone(index: number, zone: string, { seed, years }: Wish): ZoneReport {
  const from = new Date("2026-01-01T00:00:00Z");
  const until = new Date(from.getTime() + years * YEAR_MS);
  const catch_up = index % 2 === 0 ? "once" : "never";
  const schedule = { cron: "30 2 * * *", jitter_seconds: (index % 3) * 900, catch_up } as const;
  const { dues, runs, alarms, faults } = runYears({ seed: seed + index, zone, from, until, schedule });
  return { zone, dues, runs, alarms, faults };
}

async function inThread(part: ZonesPart, onZone: (one: ZoneReport) => void): Promise<void> {
  const worker = new Worker(new URL("./ledger-zones-worker.ts", import.meta.url), { workerData: part });
  worker.on("message", onZone);
  await new Promise<void>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", () => resolve());
  });
}
