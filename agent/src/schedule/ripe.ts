/** Which dues of a job have come, and which comes next (pure). */
import { type Due, duesBetween } from "@holdfast/protocol";
import type { Job } from "./job.ts";

const DAY_MS = 86_400_000;
const FEW = 500;
const MOST = 20_000;
/** Nothing is planned further ahead. */
const AHEAD_MS = 10 * 366 * DAY_MS;
const OPEN_LOOK = 500;

/** `dues`: the oldest first; `before`: the oldest due that came before all of them and was looked at no closer. */
export type Ripe = { dues: Due[]; before: Date | null };

/**
 * The dues after `after` whose time to begin has come. Of a backlog of very many only the last days that have two open
 * ones are looked at: what to do about those before does not depend on each.
 */
export function ripeDues(job: Job, after: Date, now: Date): Ripe {
  const { schedule } = job.plan;
  if (schedule === null) return { dues: [], before: null };
  const ask = (from: Date, limit: number): Due[] =>
    duesBetween(schedule, job.name, { after: from, through: now, limit, closed: job.closed });
  const ripe = (dues: Due[]): Due[] => {
    const unripe = dues.findIndex(({ startsAt }) => startsAt > now);
    return unripe === -1 ? dues : dues.slice(0, unripe);
  };
  const first = ask(after, FEW);
  const [oldest] = first;
  if (oldest === undefined || first.length < FEW) return { dues: ripe(first), before: null };
  for (let span = DAY_MS; ; span *= 2) {
    const from = new Date(Math.max(after.getTime(), now.getTime() - span));
    const dues = ripe(ask(from, MOST));
    if (from.getTime() === after.getTime()) return { dues, before: null };
    if (dues.filter(({ closedBy }) => closedBy === null).length >= 2) return { dues, before: oldest.dueAt };
  }
}

/** The first due after `after`; of those that nothing closes, if `open`. null when there is none. */
export function nextDue(job: Job, after: Date, { open }: { open: boolean }): Due | null {
  const { schedule } = job.plan;
  if (schedule === null) return null;
  const through = new Date(after.getTime() + AHEAD_MS);
  const limit = open ? OPEN_LOOK : 1;
  const dues = duesBetween(schedule, job.name, { after, through, limit, closed: job.closed });
  return dues.find(({ closedBy }) => !open || closedBy === null) ?? null;
}
