/** Contenders measured in turn (ours, peer, ours, peer …), so that what else the machine does hits all of them alike. */
import { createReadStream } from "node:fs";
import { access, constants, writeFile } from "node:fs/promises";
import type { Report } from "./bench.ts";
import { runMeasured } from "./measured-process.ts";
import { median } from "./row.ts";

const DROP_CACHES = "/proc/sys/vm/drop_caches";

/** What one run measured, by name; `seconds` is its wall time. */
export type Sample = { seconds: number } & Record<string, number>;

export type Contender = {
  name: string;
  /** Before the measurement, untimed: removes what the last round left. */
  prepare?: (round: number) => Promise<unknown>;
  /** `round` counts from 1. */
  run: (round: number) => Promise<Sample>;
};

export type RoundsOptions = {
  title: string;
  runs: number;
  cold: boolean;
  /** Sources: read once before each run, unless it shall be cold; what ran before may have pushed them out. */
  sources: readonly string[];
  scratch: string;
  report: Report;
};

/** Medians by contender and name of the number. A contender that is null is not there, and neither are its numbers. */
export type Medians = (contender: string, number?: string) => number | null;

/** Runs every contender once a round; `before` prepares what a round has in common. */
export async function runRounds(
  options: RoundsOptions,
  contenders: readonly (Contender | null)[],
  before?: (round: number) => Promise<unknown>,
): Promise<Medians> {
  const { title, runs, report } = options;
  const samples = new Map<string, Sample[]>();
  for (let round = 1; round <= runs; round++) {
    await before?.(round);
    for (const contender of contenders) {
      if (contender === null) continue;
      await contender.prepare?.(round);
      await settle(options);
      const sample = await contender.run(round);
      report.say(`${title}, round ${round} of ${runs}: ${contender.name} ${sample.seconds.toFixed(2)} s`);
      samples.set(contender.name, [...(samples.get(contender.name) ?? []), sample]);
    }
  }
  return (contender, number = "seconds") => {
    const values = samples.get(contender)?.map((sample) => sample[number] ?? Number.NaN);
    return values === undefined ? null : median(values);
  };
}

/** Nobody pays for what the one before left to be written. */
async function settle({ scratch, cold, sources }: RoundsOptions): Promise<void> {
  await runMeasured("sync", ["-f", scratch]);
  if (cold) await writeFile(DROP_CACHES, "3\n");
  else for (const path of sources) await readThrough(path);
}

async function readThrough(path: string): Promise<void> {
  for await (const _piece of createReadStream(path, { highWaterMark: 4 * 2 ** 20 })) {
    // Only to have it in the page cache.
  }
}

/** Whether this user may empty the page cache. */
export async function canDropCaches(): Promise<boolean> {
  return await access(DROP_CACHES, constants.W_OK).then(
    () => true,
    () => false,
  );
}
