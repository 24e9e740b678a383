import { observeCertificates } from "../services/health/certificates.ts";
import { keepHealth } from "../services/health/keep-health.ts";
import { refreshTasks } from "../services/health/view-task.ts";
import type { JobList } from "./job-list.ts";

const HEALTH_MS = 5000;
const TASKS_MS = 60_000;
const CERTIFICATES_MS = 10 * 60_000;

export const healthJobs: JobList = (context) => {
  const keep = keepHealth();
  return [
    { name: "health", everyMs: HEALTH_MS, run: (signal) => keep(context, signal) },
    { name: "health-of-tasks", everyMs: TASKS_MS, firstMs: HEALTH_MS, run: (signal) => refreshTasks(context, signal) },
    { name: "certificates", everyMs: CERTIFICATES_MS, firstMs: HEALTH_MS, run: () => observeCertificates(context) },
  ];
};
