import type { ControlContext } from "../services/control/context.ts";
import { observeAomei } from "../services/ledger/aomei.ts";
import { watchBusy } from "../services/ledger/busy.ts";
import { watchInStep } from "../services/ledger/in-step.ts";
import { keepLedger } from "../services/ledger/keep-ledger.ts";
import { observeOffline } from "../services/ledger/offline.ts";
import { lookAtRuns } from "../services/ledger/runs.ts";
import { watchRuns } from "../services/ledger/watch-runs.ts";
import type { Job } from "./run-jobs.ts";

const LEDGER_MS = 5000;
const FIRST_MS = 100;
const RUNS_MS = 10_000;
const AOMEI_MS = 60_000;
const OFFLINE_MS = 15_000;

export function ledgerJobs(context: ControlContext): readonly Job[] {
  const inStep = watchInStep(context);
  const busy = watchBusy();
  const watch = watchRuns(context.startedAt);
  return [
    {
      name: "expected-runs",
      everyMs: LEDGER_MS,
      firstMs: FIRST_MS,
      run: (signal) => keepLedger(context, { inStep, busy }, signal),
    },
    { name: "running-runs", everyMs: RUNS_MS, run: (signal) => lookAtRuns({ context, inStep, watch }, signal) },
    { name: "aomei-expected", everyMs: AOMEI_MS, run: (signal) => observeAomei(context, inStep, signal) },
    { name: "agents-offline", everyMs: OFFLINE_MS, run: () => observeOffline(context) },
  ];
}
