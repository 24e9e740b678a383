/** Ten years of the ledger in every zone that there is. */
import { parseArgs } from "node:util";
import { runYears } from "./ledger-years.ts";

export type ZonesReport = {
  summary: { seed: number; zones: number; years: number; dues: number; runs: number; alarms: number; faults: number };
  faults: string[];
};
type Wish = { seed: number; years: number; onProgress: (line: string) => void };

const YEAR_MS = 365.25 * 86_400_000;

/** `--seed 1 --years 10`. */
export function readZonesWish(args: string[]): Wish {
  const { values } = parseArgs({ args, options: { seed: { type: "string" }, years: { type: "string" } } });
  const seed = Number(values.seed ?? 1);
  const years = Number(values.years ?? 10);
  if (!Number.isInteger(seed) || !(years > 0)) throw new Error("--seed and --years take numbers");
  return { seed, years, onProgress: (line) => void process.stderr.write(`${line}\n`) };
}

export function runZones({ seed, years, onProgress }: Wish): ZonesReport {
  const zones = Intl.supportedValuesOf("timeZone");
  const summary = { seed, zones: zones.length, years, dues: 0, runs: 0, alarms: 0, faults: 0 };
  const faults: string[] = [];
  const from = new Date("2026-01-01T00:00:00Z");
  const until = new Date(from.getTime() + years * YEAR_MS);
  for (const [index, zone] of zones.entries()) {
    const catch_up = index % 2 === 0 ? "once" : "never";
    const schedule = { cron: "30 2 * * *", jitter_seconds: (index % 3) * 900, catch_up } as const;
    const one = runYears({ seed: seed + index, zone, from, until, schedule });
    summary.dues += one.dues;
    summary.runs += one.runs;
    summary.alarms += one.alarms;
    summary.faults += one.faults.length;
    faults.push(...one.faults);
    onProgress(
      `${index + 1}/${zones.length} ${zone}: ${one.dues} dues, ${one.alarms} alarms, ${one.faults.length} faults`,
    );
  }
  return { summary, faults };
}
