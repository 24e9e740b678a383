import { sendCanaries } from "../services/channels/canary.ts";
import { signOfLife } from "../services/channels/dead-man.ts";
import { deliverDue } from "../services/channels/deliver.ts";
import { dropStale } from "../services/channels/drop-waiting.ts";
import { purgeDeliveries } from "../services/channels/purge.ts";
import { clockJump } from "../services/retention/clock-state.ts";
import type { JobList } from "./job-list.ts";

const TICK_MS = 1000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

export const channelJobs: JobList = (context) => [
  { name: "deliveries", everyMs: TICK_MS, run: (signal) => deliverDue(context, signal) },
  { name: "canary", everyMs: MINUTE_MS, run: () => sendCanaries(context) },
  { name: "stale-deliveries", everyMs: MINUTE_MS, run: () => dropStale(context) },
  ...(context.deadManUrl === null ? [] : [deadManJob(context, context.deadManUrl)]),
  {
    name: "purge-deliveries",
    everyMs: HOUR_MS,
    run: async (signal) => {
      // A clock that jumped ahead would make everything old.
      if ((await context.store.read((db) => clockJump(db, context.now()))) !== null) return;
      while (!signal.aborted && (await purgeDeliveries(context)));
    },
  },
];

function deadManJob(context: Parameters<JobList>[0], url: string) {
  return {
    name: "sign-of-life",
    everyMs: MINUTE_MS,
    firstMs: TICK_MS,
    run: (signal: AbortSignal) => signOfLife(context, url, signal),
  };
}
