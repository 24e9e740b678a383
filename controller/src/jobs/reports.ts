import { sendDueReports } from "../services/reports/scheduled.ts";
import type { JobList } from "./job-list.ts";

const TICK_MS = 15_000;

export const reportJobs: JobList = (context) => [
  {
    name: "reports",
    everyMs: TICK_MS,
    run: async (signal) => {
      while (!signal.aborted && (await sendDueReports(context, signal)) > 0);
    },
  },
];
