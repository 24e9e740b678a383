/** What the history may hold: everything in it gets older than it is worth. Results themselves (backups, proofs) stay. */
import type { Store } from "./db.ts";
import { purgeAomeiRuns } from "./purge-aomei-runs.ts";
import { purgeAudit } from "./purge-audit.ts";
import { purgeCommands } from "./purge-commands.ts";
import { purgeEpochs } from "./purge-epochs.ts";
import { purgeEvents } from "./purge-events.ts";
import { purgeExecutions } from "./purge-executions.ts";
import { purgeExpectedRuns } from "./purge-expected-runs.ts";
import { keptSince, type Timed } from "./purge-since.ts";
import type { Purge, Purged } from "./purge-step.ts";

/** Whichever is reached first. `maxRows` is kept to within what was refused or doubled on its way in. */
export type HistoryLimits = { maxAgeDays: number; maxRows: number };
export type HistoryRules = { events: HistoryLimits; executions: HistoryLimits; audit: HistoryLimits };

export const DEFAULT_HISTORY_RULES: HistoryRules = {
  events: { maxAgeDays: 90, maxRows: 2_000_000 },
  executions: { maxAgeDays: 730, maxRows: 2_000_000 },
  audit: { maxAgeDays: 730, maxRows: 1_000_000 },
};

/** Rows of one transaction: results wait for it. */
const BATCH_ROWS = 200;
const DAY_MS = 86_400_000;

export type Removed = { [Kind in keyof HistoryRules]: number };
/** What goes by its time as well as by its number; the others know by their own numbers how many there are. */
type TimedPurge = { timed: Timed | null; purge: Purge };

/** Runs, what was expected of them, what asked for them, and where they were told. */
const RUNS: readonly TimedPurge[] = [
  { purge: purgeExecutions, timed: ({ executions: table }) => ({ table, at: table.startedAt }) },
  { purge: purgeExpectedRuns, timed: ({ expectedRuns: table }) => ({ table, at: table.dueAt }) },
  { purge: purgeAomeiRuns, timed: ({ aomeiRuns: table }) => ({ table, at: table.occurredAt }) },
  { purge: purgeCommands, timed: ({ commands: table }) => ({ table, at: table.createdAt }) },
  { purge: purgeEpochs, timed: null },
];

/** Removes what the rules no longer keep, in many short transactions; answers how many rows went. */
export async function purgeHistory(store: Store, rules: HistoryRules, now: Date): Promise<Removed> {
  const all = (limits: HistoryLimits, one: TimedPurge) => purgeAll(store, limits, now, one);
  let executions = 0;
  for (const one of RUNS) executions += await all(rules.executions, one);
  return {
    events: await all(rules.events, { purge: purgeEvents, timed: null }),
    executions,
    audit: await all(rules.audit, { purge: purgeAudit, timed: null }),
  };
}

async function purgeAll(
  store: Store,
  { maxAgeDays, maxRows }: HistoryLimits,
  now: Date,
  { purge, timed }: TimedPurge,
): Promise<number> {
  const oldest = new Date(now.getTime() - maxAgeDays * DAY_MS);
  const before = timed === null ? oldest : await keptSince(store, timed, { before: oldest, maxRows });
  let removed = 0;
  for (let next: Purged["next"] = { from: null }; next !== null; ) {
    const bound = { before, maxRows, batch: BATCH_ROWS, ...next };
    const step: Purged = await store.write((db) => purge(db, bound));
    removed += step.removed;
    next = step.next;
  }
  return removed;
}
