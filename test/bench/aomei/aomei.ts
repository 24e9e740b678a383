/** What reading AOMEI's logs costs: parsing, noticing a new entry in a long log, and having nothing to do. */
import { open, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Bench, BenchOptions, Report } from "../bench.ts";
import { runMeasured } from "../measured-process.ts";
import { median } from "../row.ts";
import { entryText, LOG_END, makeLog, runOf } from "./make-log.ts";
import { type LoggedRun, startReading } from "./service.ts";
import type { ParseUsage } from "./worker.ts";

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));
/** As a user starts it: with the cache of compiled code, without which reading TypeScript takes memory for good. */
const COMPILED = { NODE_COMPILE_CACHE: join(tmpdir(), "holdfast-bench-compiled") };
const MB = 1_000_000;
const IDLE_SECONDS = 20;
const NOTICES = 8;
const SETTLE_MS = 5000;

export const aomeiBench: Bench = {
  name: "aomei",
  about: "AOMEI's log: parse rate and memory, time until a new entry is on the controller, cost while nothing happens",
  cases: ["parse", "service"],
  run: async (options, report) => {
    const log = join(options.scratch, "brlog.xml");
    const entries = await makeLog(log, options.size ?? 100 * MB);
    const { size } = await stat(log);
    report.say(`a log of ${Math.round(size / MB)} MB with ${entries} entries`);
    const wants = (name: string): boolean => options.cases.length === 0 || options.cases.includes(name);
    if (wants("parse")) await parse({ log, size, entries }, options, report);
    if (wants("service")) await service({ log, entries }, options, report);
  },
};

async function parse(
  { log, size, entries }: { log: string; size: number; entries: number },
  { runs }: BenchOptions,
  { row, say }: Report,
): Promise<void> {
  const usages: ParseUsage[] = [];
  for (let run = 1; run <= runs; run++) {
    const { stdout } = await runMeasured(process.execPath, [WORKER, log], { env: COMPILED });
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

async function service(
  { log, entries }: { log: string; entries: number },
  { scratch }: BenchOptions,
  { row, say }: Report,
): Promise<void> {
  await using host = await startReading(log, join(scratch, "host"));
  const start = performance.now();
  await host.shown(logged(entries - 1));
  const first = (performance.now() - start) / 1000;
  say(`the first reading: ${entries} entries were on the controller after ${first.toFixed(1)} s`);
  row({ case: "service, first reading", value: entries / first, unit: "/s", sense: "at least", limit: null });
  await sleep(SETTLE_MS);
  const delays: number[] = [];
  for (let n = entries; n < entries + NOTICES; n++) {
    await sleep(500 + 300 * (n - entries));
    await addEntry(log, n);
    const written = performance.now();
    await host.shown(logged(n));
    delays.push((performance.now() - written) / 1000);
    say(`a new entry was on the controller after ${(delays.at(-1) ?? 0).toFixed(2)} s`);
  }
  const slowest = Math.max(...delays);
  row({ case: "service, new entry shown, slowest", value: slowest, unit: "s", sense: "at most", limit: 3 });
  row({ case: "service, new entry shown, median", value: median(delays), unit: "s", sense: "at most", limit: null });
  await sleep(SETTLE_MS);
  const before = host.cpuSeconds();
  await sleep(IDLE_SECONDS * 1000);
  const idle = (host.cpuSeconds() - before) / IDLE_SECONDS;
  row({ case: "service, nothing to do", value: idle, unit: "cores", sense: "at most", limit: 0.02 });
  row({ case: "service, peak memory", value: host.peakBytes() / MB, unit: "MB", sense: "at most", limit: 150 });
}

function logged(n: number): LoggedRun {
  const { task, seconds } = runOf(n);
  return { task, endedAt: new Date(seconds * 1000).toISOString() };
}

/** Puts it before the end of the document, as the program does. */
async function addEntry(path: string, n: number): Promise<void> {
  await using file = await open(path, "r+");
  const { size } = await file.stat();
  await file.write(entryText(n) + LOG_END, size - LOG_END.length);
}
