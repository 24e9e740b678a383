import { inventoryFollower } from "../services/policies/follow-inventory.ts";
import { appliedObserver } from "../services/policies/observe-applied.ts";
import { refreshAll } from "../services/policies/refresh.ts";
import type { JobList } from "./job-list.ts";

const INVENTORIES_MS = 1000;
const APPLIED_MS = 30_000;
/** For what nobody tells of: time that passes, the controller's own zone, a kill between a commit and its consequences. */
const ALL_MS = 10 * 60_000;

export const policyJobs: JobList = (context) => [
  { name: "policies-of-inventories", everyMs: INVENTORIES_MS, run: inventoryFollower(context) },
  { name: "policies-applied", everyMs: APPLIED_MS, run: appliedObserver(context) },
  { name: "policies-refresh", everyMs: ALL_MS, firstMs: INVENTORIES_MS, run: (signal) => refreshAll(context, signal) },
];
