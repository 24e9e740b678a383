/** What reading AOMEI's logs costs: parsing, noticing a new entry in a long log, and having nothing to do. */
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Bench, BenchOptions, Report } from "../bench.ts";
import { runMeasured } from "../measured-process.ts";
import { median } from "../row.ts";
import { entryText, LOG_END, makeLog } from "./make-log.ts";
import { COMPILED, watchLog } from "./watching.ts";
import type { ParseUsage } from "./worker.ts";

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));
const MB = 1_000_000;
const IDLE_SECONDS = 20;
const NOTICES = 5;

export const aomeiBench: Bench = {
  name: "aomei",
  about: "AOMEI's log: parse rate and memory, time until a new entry is told, cost while nothing happens",
  cases: ["parse", "watch"],
  run: async (options, report) => {
    const log = join(options.scratch, "brlog.xml");
    const entries = await makeLog(log, options.size ?? 100 * MB);
    const { size } = await stat(log);
    report.say(`a log of ${Math.round(size / MB)} MB with ${entries} entries`);
    const wants = (name: string): boolean => options.cases.length === 0 || options.cases.includes(name);
    if (wants("parse")) await parse({ log, size, entries }, options, report);
    if (wants("watch")) await watch({ log, entries }, options, report);
  },
};

async function parse(
  { log, size, entries }: { log: string; size: number; entries: number },
  { runs }: BenchOptions,
  { row, say }: Report,
): Promise<void> {
  const usages: ParseUsage[] = [];
  for (let run = 1; run <= runs; run++) {
    const { stdout } = await runMeasured(process.execPath, [WORKER, "parse", log], { env: COMPILED });
    const usage = JSON.parse(stdout) as ParseUsage;
    if (usage.entries !== entries) throw new Error(`${usage.entries} of ${entries} entries were found`);
    say(`parse, run ${run} of ${runs}: ${usage.cpuSeconds.toFixed(2)} s of a core`);
    usages.push(usage);
  }
  const rate = median(usages.map(({ cpuSeconds }) => size / MB / cpuSeconds));
  row({ case: "parse, of one core", value: rate, unit: "MB/s", sense: "at least", limit: 60 });
  const peak = Math.max(...usages.map(({ peakBytes }) => peakBytes));
  row({ case: "parse, peak memory", value: peak / MB, unit: "MB", sense: "at most", limit: 150 });
}

async function watch(
  { log, entries }: { log: string; entries: number },
  { scratch }: BenchOptions,
  { row, say }: Report,
): Promise<void> {
  await using watching = watchLog(log, join(scratch, "state"));
  const first = await watching.take(entries);
  say(`the first reading told ${entries} entries in ${first.toFixed(1)} s`);
  row({ case: "watch, entries told at first", value: entries / first, unit: "/s", sense: "at least", limit: null });
  await sleep(3000);
  const delays: number[] = [];
  for (let n = 0; n < NOTICES; n++) {
    await sleep(500 + 700 * n);
    await addEntry(log, entries + n);
    delays.push(await watching.take(1));
    say(`a new entry was in the spool after ${(delays.at(-1) ?? 0).toFixed(2)} s`);
  }
  row({
    case: "watch, new entry until told, slowest",
    value: Math.max(...delays),
    unit: "s",
    sense: "at most",
    limit: 3,
  });
  await sleep(3000);
  const before = watching.cpuSeconds();
  await sleep(IDLE_SECONDS * 1000);
  const idle = (watching.cpuSeconds() - before) / IDLE_SECONDS;
  row({ case: "watch, nothing to do", value: idle, unit: "cores", sense: "at most", limit: 0.02 });
  row({ case: "watch, peak memory", value: watching.peakBytes() / MB, unit: "MB", sense: "at most", limit: null });
}

/** Puts it before the end of the document, as the program does. */
async function addEntry(path: string, n: number): Promise<void> {
  await using file = await open(path, "r+");
  const { size } = await file.stat();
  await file.write(entryText(n) + LOG_END, size - LOG_END.length);
}
