/** When the next run of a task should come: learned from its runs, because no log of AOMEI holds a schedule. */

/** `learned`: from the runs; `set`: by a person; `none`: a person said that nothing is to be expected. */
export type ExpectationKind = "learned" | "set" | "none";
export type Expectation = {
  /** `none_yet`: too few runs to learn from; `none`: nothing is to be expected. */
  state: "none_yet" | "none" | "on_time" | "late";
  kind: ExpectationKind;
  intervalSeconds: number | null;
  /** After this a run that has not come is late; null: no expectation. */
  dueAt: Date | null;
};

const LEAST_RUNS = 5;
/** So many of the newest runs are learned from. */
export const LEARNED_FROM = 30;
/** Runs closer together are one attempt and its repetitions. */
const SAME_ATTEMPT_MS = 10 * 60_000;
/** Ten pauses of a working week hold two weekends; among fewer the longest one may be the only weekend. */
const FEW_GAPS = 9;
const LEAST_GRACE_SECONDS = 3600;

/**
 * The usual longest pause between runs, in whole seconds; null from fewer than five runs. Of many pauses the longest one
 * is left out, so that a single outage does not become what is expected; a weekend, which comes again, stays.
 */
export function learnInterval(runs: readonly Date[]): number | null {
  const times = runs.map((at) => at.getTime()).sort((a, b) => a - b);
  const attempts = times.filter((at, index) => index === 0 || at - (times[index - 1] ?? 0) >= SAME_ATTEMPT_MS);
  if (attempts.length < LEAST_RUNS) return null;
  const gaps = attempts.slice(1).map((at, index) => at - (attempts[index] ?? at));
  gaps.sort((a, b) => b - a);
  const usual = gaps[gaps.length > FEW_GAPS ? 1 : 0] ?? 0;
  return Math.max(1, Math.round(usual / 1000));
}

export type ExpectationFacts = {
  kind: ExpectationKind;
  setSeconds: number | null;
  learnedSeconds: number | null;
  lastRunAt: Date | null;
  /** From here on is counted while no run is known. */
  since: Date;
};

/** A quarter of the interval, and at least an hour, is forgiven. */
export function expectationOf(facts: ExpectationFacts, now: Date): Expectation {
  const { kind } = facts;
  if (kind === "none") return { state: "none", kind, intervalSeconds: null, dueAt: null };
  const intervalSeconds = kind === "set" ? facts.setSeconds : facts.learnedSeconds;
  if (intervalSeconds === null) return { state: "none_yet", kind, intervalSeconds, dueAt: null };
  const grace = Math.max(LEAST_GRACE_SECONDS, intervalSeconds / 4);
  const from = facts.lastRunAt ?? facts.since;
  const dueAt = new Date(from.getTime() + Math.round((intervalSeconds + grace) * 1000));
  return { state: now > dueAt ? "late" : "on_time", kind, intervalSeconds, dueAt };
}

const HOUR = 3600;
const NAMED: readonly { name: string; from: number; to: number }[] = [
  { name: "hourly", from: 0.8 * HOUR, to: 1.3 * HOUR },
  { name: "daily", from: 20 * HOUR, to: 28 * HOUR },
  { name: "weekly", from: 6 * 24 * HOUR, to: 8 * 24 * HOUR },
  { name: "monthly", from: 27 * 24 * HOUR, to: 32 * 24 * HOUR },
];

/** A word for the interval; `interval` when no word fits, `unknown` without one. */
export function scheduleType({ state, intervalSeconds }: Expectation): string {
  if (state === "none") return "manual";
  if (intervalSeconds === null) return "unknown";
  return NAMED.find(({ from, to }) => intervalSeconds >= from && intervalSeconds <= to)?.name ?? "interval";
}
