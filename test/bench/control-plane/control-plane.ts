import { listBench } from "../api/list-bench.ts";
import { seedStatements } from "../api/seed-rows.ts";
import { alertAsks, alertStatements } from "./alerts.ts";
import { healthAsks, healthStatements } from "./health.ts";
import { ledgerAsks, ledgerStatements } from "./ledger.ts";
import { policyAsks, policyStatements } from "./policies.ts";
import { retentionAsks, retentionStatements } from "./retention.ts";

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
  asks: [...policyAsks, ...ledgerAsks, ...retentionAsks, ...alertAsks, ...healthAsks],
});
