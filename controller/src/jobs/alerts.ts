import { alertsFromEvents } from "../services/alerts/from-events.ts";
import { observeGone } from "../services/alerts/gone.ts";
import { purgeAlerts } from "../services/alerts/purge.ts";
import { workAlerts } from "../services/alerts/work.ts";
import { runProjection } from "../services/projection/run-projection.ts";
import { clockJump } from "../services/retention/clock-state.ts";
import type { JobList } from "./job-list.ts";

const TICK_MS = 1000;
const GONE_MS = 60_000;
const PURGE_MS = 3_600_000;

export const alertJobs: JobList = (context) => [
  {
    name: "alerts-from-events",
    everyMs: TICK_MS,
    run: async (signal) => {
      const { store, now } = context;
      while (!signal.aborted && (await runProjection(store, alertsFromEvents, now())) > 0);
    },
  },
  {
    name: "alerts",
    everyMs: TICK_MS,
    run: async (signal) => {
      while (!signal.aborted && (await workAlerts(context)));
    },
  },
  { name: "alerts-of-the-gone", everyMs: GONE_MS, run: () => observeGone(context) },
  {
    name: "purge-alerts",
    everyMs: PURGE_MS,
    run: async (signal) => {
      // A clock that jumped ahead would make everything old.
      if ((await context.store.read((db) => clockJump(db, context.now()))) !== null) return;
      while (!signal.aborted && (await purgeAlerts(context)));
    },
  },
];
