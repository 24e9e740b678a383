/** A small fleet for tests of reports, with all that a report can tell of. */
import { randomUUID } from "node:crypto";
import type { Digit } from "../../domain/compliance/digit.ts";
import { addDays, dayOf } from "../../domain/health/days.ts";
import { addAgent } from "../../store/agents.ts";
import type { Db, Store } from "../../store/db.ts";
import { seedRows } from "../../store/test-rows.ts";

type StateRow = Db["tables"]["itemStates"]["$inferSelect"];
type DailyRow = Db["tables"]["healthDaily"]["$inferSelect"];

export const EVIL = `<script>alert("web")</script>`;
const DIGITS = ["copies", "media", "off_site", "offline_or_immutable", "errors"] as const;
const WANTED = [3, 2, 1, 1, 0] as const;

export function digits(holding: readonly boolean[]): Digit[] {
  return DIGITS.map((digit, index) => ({
    ...{ digit, wanted: WANTED[index] ?? 0, counted: holding[index] === true ? (WANTED[index] ?? 0) : 1 },
    ...{ holds: holding[index] ?? false, evidence: [`evidence of ${digit}`], true_until: null },
  }));
}

export function dailyRow(scope: Pick<DailyRow, "scopeKind" | "scopeId">, day: string, good: number, bad: number) {
  return {
    ...scope,
    ...{
      metricDate: day,
      totalBackups: good + bad,
      successfulBackups: good,
      failedBackups: bad,
      totalSizeBytes: 4.2e12,
    },
    ...{ verificationsTotal: 4, verificationsPassed: 3, drillsTotal: 2, drillsPassed: 2 },
    ...{ verificationSuccessRate: 0.75, restoreTestSuccessRate: 1 },
    ...{ healthScore: (0.5 * good) / (good + bad) + 0.3 * 0.75 + 0.2, updatedAt: new Date(0) },
  } satisfies DailyRow;
}

/** Items `names` of one host, the first one worst; days, a missed run, alerts, an AOMEI job. */
export async function seedReportFleet(store: Store, now: Date, names: readonly string[] = [EVIL, "db", "web"]) {
  const agentId = randomUUID();
  const policyId = randomUUID();
  const ago = (hours: number) => new Date(now.getTime() - hours * 3_600_000);
  await store.write(async (db) => {
    const { tables } = db;
    const facts = { hostname: "berlin-1", platform: "linux", version: "0.1.0", createdAt: ago(900) };
    await addAgent(db, { agentId, name: "berlin-1", ...facts });
    const policy = { policyId, name: "nightly", version: 1, enabled: true, priority: 0, body: {} as never };
    const by = { createdAt: ago(900), createdBy: "a", updatedAt: ago(900), updatedBy: "a" };
    await seedRows(db, tables.policies, [{ ...policy, ...by, retiredAt: null }]);
    const items = names.map((name, index) => ({ ...stateRow(agentId, name, index, ago), policyId }));
    await seedRows(db, tables.itemStates, items);
    await seedRows(
      db,
      tables.items,
      names.map((vmName, index) => ({
        ...{ agentId, vmContextId: `vm-${index}`, vmName, repositoryId: "main", origin: "controller" as const },
        ...{ definition: {}, createdAt: ago(800), updatedAt: ago(800), retiredAt: null },
      })),
    );
    await seedDays(db, agentId, now);
    await seedTroubles(db, agentId, ago);
  });
  return { agentId, policyId, itemId: `${agentId}/vm-0` };
}

function stateRow(agentId: string, name: string, index: number, ago: (hours: number) => Date): StateRow {
  const isBad = index === 0;
  return {
    ...{ agentId, subjectId: `vm-${index}`, subjectKind: "item", name, policyId: null, createdAt: ago(800) },
    ...{ score: isBad ? 0.42 : 0.97, band: isBad ? "critical" : "good", proven: !isBad },
    ...{ lastGoodAt: ago(isBad ? 60 : 9), lastVerifiedAt: ago(9), lastDrilledAt: isBad ? null : ago(40) },
    ...{ rpoTargetSeconds: 86_400, rtoTargetSeconds: 600, rtoMedianSeconds: 95, rtoWorstSeconds: 130 },
    ...{ compliant: !isBad, digits: digits([true, true, !isBad, !isBad, true]), recheckAt: null, updatedAt: ago(1) },
  };
}

async function seedDays(db: Db, agentId: string, now: Date): Promise<void> {
  const scopes = [
    { scopeKind: "fleet" as const, scopeId: "fleet" },
    { scopeKind: "agent" as const, scopeId: agentId },
    { scopeKind: "item" as const, scopeId: `${agentId}/vm-0` },
    { scopeKind: "aomei" as const, scopeId: "7" },
  ];
  const today = dayOf(now);
  const days = [6, 5, 4, 2, 1, 0].map((back) => addDays(today, -back));
  const rows = scopes.flatMap((scope) => days.map((day, index) => dailyRow(scope, day, 10 - index, index)));
  await seedRows(db, db.tables.healthDaily, [...rows, dailyRow(scopes[0] as never, addDays(today, -40), 1, 99)]);
}

async function seedTroubles(db: Db, agentId: string, ago: (hours: number) => Date): Promise<void> {
  const { tables } = db;
  const run = (hours: number, state: "missed" | "ran" | "ran_late") => ({
    ...{ agentId, subjectId: "vm-0", task: "backup" as const, subjectKind: "item" as const, state, reason: null },
    ...{ dueAt: ago(hours), startsAt: ago(hours), graceUntil: ago(hours - 1), writtenAt: ago(hours + 1) },
    ...{ settledAt: ago(hours - 1), runState: state === "missed" ? null : ("completed" as const) },
  });
  await seedRows(db, tables.expectedRuns, [run(9, "missed"), run(33, "missed"), run(57, "ran"), run(81, "ran_late")]);
  const alert = (severity: "critical" | "warning", hours: number, type: "missed_run" | "capacity") => ({
    ...{ alertId: randomUUID(), subjectKey: `item:${agentId}/vm-0`, type, subjectKind: "item" as const, agentId },
    ...{ severity, message: `${type} of <${hours}>`, evidence: {}, rootKey: null, state: "open" as const },
    ...{ createdAt: ago(hours), changedAt: ago(hours), notifiedCount: 0 },
  });
  await seedRows(db, tables.alerts, [alert("warning", 2, "capacity"), alert("critical", 8, "missed_run")]);
  const job = { jobId: 7, agentId, taskName: "Nightly image", jobType: "system_image" as const, isActive: true };
  const rest = { targetServer: "localhost", description: "", retentionDays: 30, expectation: "learned" as const };
  const times = { createdAt: ago(900), updatedAt: ago(900) };
  await seedRows(db, tables.aomeiJobs, [{ ...job, ...rest, ...times }]);
  const copy = { jobId: 7, copyType: "primary" as const, media: "disk", status: "failed" as const };
  await seedRows(db, tables.aomeiCopies, [{ ...copy, lastRunAt: ago(5), lastGoodAt: ago(29), sizeBytes: 5e9 }]);
}
