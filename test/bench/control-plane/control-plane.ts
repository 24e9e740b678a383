import type { Ask } from "../api/asks.ts";
import { listBench } from "../api/list-bench.ts";
import { seedStatements } from "../api/seed-rows.ts";
import { alertAsks, alertStatements } from "./alerts.ts";
import { healthAsks, healthStatements } from "./health.ts";
import { ledgerAsks, ledgerStatements } from "./ledger.ts";
import { policyAsks, policyStatements } from "./policies.ts";
import { retentionAsks, retentionStatements } from "./retention.ts";

export const controlPlaneAsks: readonly Ask[] = [
  ...policyAsks,
  ...ledgerAsks,
  ...retentionAsks,
  ...alertAsks,
  ...healthAsks,
];

export const controlPlaneBench = listBench({
  name: "control-plane",
  about: "policies, expected runs, retention, alerts and health over 1,000 agents, 10,000 items and a million runs",
  statements: () => [
    ...seedStatements(),
    ...policyStatements(),
    ...ledgerStatements(),
    ...retentionStatements(),
    ...alertStatements(),
    ...healthStatements(),
  ],
  asks: controlPlaneAsks,
  // All that it does by itself has had its turn by then, but for what it does once an hour.
  watchedMs: 5 * 60_000,
});
