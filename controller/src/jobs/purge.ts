import type { Logger } from "pino";
import { purgeRevokedTokens } from "../services/access/revoked-tokens.ts";
import type { ServiceContext } from "../services/context.ts";
import { clockJump } from "../services/retention/clock-state.ts";
import type { Store } from "../store/db.ts";
import { purgeResults, type ResultDays } from "../store/purge-results.ts";
import { DEFAULT_HISTORY_RULES, type HistoryRules, purgeHistory } from "../store/retention.ts";
import type { Job } from "./run-jobs.ts";

const HOUR_MS = 3_600_000;
const AFTER_START_MS = 60_000;

export type HistoryDays = ResultDays & { eventsDays: number };

/** Removes the history that is older, or more than the store should hold; nothing while the clock is in doubt. */
export function purgeJob({ store, now, log }: ServiceContext & { log: Logger }, days: HistoryDays): Job {
  const rules = rulesOf(days);
  return {
    name: "purge-history",
    everyMs: HOUR_MS,
    firstMs: AFTER_START_MS,
    async run(signal) {
      const doubt = await store.read((db) => clockJump(db, now()));
      if (doubt !== null) return log.warn({ why: doubt }, "old history is kept: the clock is in doubt");
      const ending = endingWith(store, signal);
      const history = await purgeHistory(ending, rules, now());
      const removed = { ...history, results: await purgeResults(ending, days, now()) };
      await purgeRevokedTokens(ending, now());
      if (Object.values(removed).some((rows) => rows > 0)) log.info({ removed }, "old history was removed");
    },
  };
}

function rulesOf({ eventsDays, executionsDays, auditDays }: HistoryDays): HistoryRules {
  const { events, executions, audit } = DEFAULT_HISTORY_RULES;
  return {
    events: { ...events, maxAgeDays: eventsDays },
    executions: { ...executions, maxAgeDays: executionsDays },
    audit: { ...audit, maxAgeDays: auditDays },
  };
}

/** It removes in many short transactions; a stop comes between two of them. */
function endingWith(store: Store, signal: AbortSignal): Store {
  return {
    ...store,
    write(work) {
      signal.throwIfAborted();
      return store.write(work);
    },
  };
}
