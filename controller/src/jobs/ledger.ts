import { observeOffline } from "../services/ledger/offline.ts";
import type { JobList } from "./job-list.ts";

const OFFLINE_MS = 15_000;

export const ledgerJobs: JobList = (context) => [
  { name: "agents-offline", everyMs: OFFLINE_MS, run: () => observeOffline(context) },
];
