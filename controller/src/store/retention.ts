/** What the history may hold: everything in it gets older than it is worth. Results themselves (backups, proofs) stay. */
import type { Db, Store } from "./db.ts";
import { purgeAomeiRuns } from "./purge-aomei-runs.ts";
import { purgeAudit } from "./purge-audit.ts";
import { purgeCommands } from "./purge-commands.ts";
import { purgeEpochs } from "./purge-epochs.ts";
import { purgeEvents } from "./purge-events.ts";
import { purgeExecutions } from "./purge-executions.ts";
import { purgeExpectedRuns } from "./purge-expected-runs.ts";

/** Whichever is reached first. `maxRows` is kept to within what was refused or doubled on its way in. */
export type HistoryLimits = { maxAgeDays: number; maxRows: number };
export type HistoryRules = { events: HistoryLimits; executions: HistoryLimits; audit: HistoryLimits };

export const DEFAULT_HISTORY_RULES: HistoryRules = {
  events: { maxAgeDays: 90, maxRows: 2_000_000 },
  executions: { maxAgeDays: 730, maxRows: 2_000_000 },
  audit: { maxAgeDays: 730, maxRows: 1_000_000 },
};

/** Rows of one transaction: results wait for it. */
const BATCH_ROWS = 500;
const DAY_MS = 86_400_000;

export type Removed = { [Kind in keyof HistoryRules]: number };
/** Removes at most `batch` rows; answers how many it did. */
type Purge = (db: Db, bound: PurgeBound) => Promise<number>;
/** Runs, what was expected of them, what asked for them, and where they were told. */
const RUNS: readonly Purge[] = [purgeExecutions, purgeExpectedRuns, purgeAomeiRuns, purgeCommands, purgeEpochs];
export type PurgeBound = { before: Date; maxRows: number; batch: number };

/** Removes what the rules no longer keep, in many short transactions; answers how many rows went. */
export async function purgeHistory(store: Store, rules: HistoryRules, now: Date): Promise<Removed> {
  const purge = (limits: HistoryLimits, one: Purge) => purgeAll(store, limits, now, one);
  let executions = 0;
  for (const one of RUNS) executions += await purge(rules.executions, one);
  return {
    events: await purge(rules.events, purgeEvents),
    executions,
    audit: await purge(rules.audit, purgeAudit),
  };
}

async function purgeAll(
  store: Store,
  { maxAgeDays, maxRows }: HistoryLimits,
  now: Date,
  purge: Purge,
): Promise<number> {
  const bound = { before: new Date(now.getTime() - maxAgeDays * DAY_MS), maxRows, batch: BATCH_ROWS };
  let removed = 0;
  for (;;) {
    const some = await store.write((db) => purge(db, bound));
    removed += some;
    if (some === 0) return removed;
  }
}
