import { alertsFromEvents } from "../services/alerts/from-events.ts";
import { runProjection } from "../services/projection/run-projection.ts";
import type { JobList } from "./job-list.ts";

const EVENTS_MS = 1000;

export const alertJobs: JobList = ({ store, now }) => [
  {
    name: "alerts-from-events",
    everyMs: EVENTS_MS,
    run: async (signal) => {
      while (!signal.aborted && (await runProjection(store, alertsFromEvents, now())) > 0);
    },
  },
];
