/** Contenders measured in turn (ours, peer, ours, peer …), so that what else the machine does hits all of them alike. */
import type { Report } from "./bench.ts";
import { runMeasured } from "./measured-process.ts";
import { bring, type PageCache } from "./page-cache.ts";
import { median } from "./row.ts";

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
  /** How each run finds it: what ran before may have pushed the sources out, or left them there. */
  cache: PageCache;
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
async function settle({ scratch, cache, sources }: RoundsOptions): Promise<void> {
  await runMeasured("sync", ["-f", scratch]);
  await bring(cache, sources);
}
