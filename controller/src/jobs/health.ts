import { keepHealth } from "../services/health/keep-health.ts";
import type { JobList } from "./job-list.ts";

const HEALTH_MS = 5000;

export const healthJobs: JobList = (context) => {
  const keep = keepHealth();
  return [{ name: "health", everyMs: HEALTH_MS, run: (signal) => keep(context, signal) }];
};
