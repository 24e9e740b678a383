/** What the controller does by itself, part by part. */
import type { ControlContext } from "../services/control/context.ts";
import { alertJobs } from "./alerts.ts";
import { channelJobs } from "./channels.ts";
import { healthJobs } from "./health.ts";
import { ledgerJobs } from "./ledger.ts";
import { policyJobs } from "./policies.ts";
import { reportJobs } from "./reports.ts";
import { retentionJobs } from "./retention.ts";
import type { Job } from "./run-jobs.ts";

export function controlJobs(context: ControlContext): Job[] {
  const parts = [policyJobs, ledgerJobs, retentionJobs, healthJobs, alertJobs, channelJobs, reportJobs];
  return parts.flatMap((part) => part(context));
}
