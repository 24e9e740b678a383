/** What backups are worth: half that they are made, the rest that they are proven. */

/** How often it was tried, and how often it went well. */
type Part = { good: number; total: number };
export type HealthCounts = { backup: Part; verification: Part; drill: Part };
/** Each in [0,1]; null: nothing was measured. */
type Rates = { backup: number | null; verification: number | null; drill: number | null };
export type HealthScore = {
  /** In [0,1], to four places; a part that was not measured counts 0. */
  score: number;
  rates: Rates;
  /** Every part was measured. */
  proven: boolean;
  /** Any part was; else the score is 0 because nothing is known. */
  measured: boolean;
};
export type Band = "good" | "warning" | "critical";
export type Trend = "rising" | "steady" | "falling";

/** So many days, this one included, are what a score is of. */
export const WINDOW_DAYS = 7;
const WEIGHTS = { backup: 0.5, verification: 0.3, drill: 0.2 } as const;
const PARTS = ["backup", "verification", "drill"] as const;
const GOOD = 0.8;
const WARNING = 0.5;
/** A smaller change is none. */
const STEADY = 0.02;

export function score(counts: HealthCounts): HealthScore {
  const rates = { backup: rate(counts.backup), verification: rate(counts.verification), drill: rate(counts.drill) };
  const isMeasuredIn = (part: keyof Rates) => rates[part] !== null;
  return { score: weighed(rates, 0), rates, proven: PARTS.every(isMeasuredIn), measured: PARTS.some(isMeasuredIn) };
}

export function band(value: number): Band {
  if (value >= GOOD) return "good";
  return value >= WARNING ? "warning" : "critical";
}

/** Of scores in the order of their days: the last against the first. null: there are no two of them. */
export function trend(scores: readonly number[]): Trend | null {
  const [first, last] = [scores[0], scores.at(-1)];
  if (scores.length < 2 || first === undefined || last === undefined) return null;
  const change = last - first;
  if (Math.abs(change) < STEADY) return "steady";
  return change > 0 ? "rising" : "falling";
}

/**
 * Whether what was measured has fallen under the threshold: a part that was not measured takes nothing away here, and
 * with all three measured this is the score itself. `before`: the same until yesterday; null: nothing was measured by
 * then, and what is new has not fallen.
 */
export function degraded(now: HealthCounts, before: HealthCounts | null, threshold: number): boolean {
  const value = measuredScore(now);
  if (value >= threshold || before === null) return false;
  const earlier = measuredScore(before);
  return score(before).measured && (earlier < threshold || value < earlier);
}

/** The score if all that was not measured were perfect. */
export function measuredScore(counts: HealthCounts): number {
  return weighed(score(counts).rates, 1);
}

/** One sum for both scores: two that are the same number on paper may round to two. */
function weighed(rates: Rates, unmeasured: 0 | 1): number {
  return fourPlaces(PARTS.reduce((all, part) => all + WEIGHTS[part] * (rates[part] ?? unmeasured), 0));
}

function rate({ good, total }: Part): number | null {
  return total === 0 ? null : good / total;
}

function fourPlaces(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
