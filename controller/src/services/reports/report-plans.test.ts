/** Reports, metrics and evidence read no table that grows as a whole: SQLite says so itself of each query. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Actor } from "../../domain/access.ts";
import type { Db, Store } from "../../store/db.ts";
import { openTestPlans, type TestPlans } from "../../store/test-plans.ts";
import { drillsOf, verificationsOf } from "../evidence/proofs.ts";
import { fleetMetrics } from "../metrics/fleet-metrics.ts";
import { queueMetrics } from "../metrics/queues.ts";
import { reportFacts } from "./facts.ts";
import { listSchedules } from "./schedules.ts";
import type { ReportScope } from "./scope.ts";

const admin: Actor = { kind: "token", id: "admin", scopes: ["admin"], agentId: null };
const agentId = "9f6d5c1e-0000-4000-8000-000000000001";
const now = new Date("2026-02-15T12:00:00Z");
const from = new Date("2026-01-01T00:00:00Z");
const GROWING = [
  ...["expected_runs", "executions", "events", "deliveries", "alerts", "health_daily", "flips", "commands", "backups"],
  ...["verifications", "drills", "retention_plans", "jobs", "report_schedules"],
];

let plans: TestPlans;
let store: Store;
let db: Db;

beforeAll(async () => {
  plans = await openTestPlans();
  ({ store, db } = plans);
  plans.connection.exec("INSERT INTO projections VALUES ('ledger', 0, 0)");
});
afterAll(() => plans[Symbol.asyncDispose]());

/** How SQLite goes about each table that grows. */
async function stepsOf(work: () => Promise<unknown>): Promise<string[]> {
  const steps = await plans.stepsOf(work);
  return steps.filter((detail) => GROWING.some((table) => new RegExp(`^(?:SEARCH|SCAN) ${table}\\b`).test(detail)));
}

const scopes: ReportScope[] = [
  { kind: "fleet", id: "fleet", name: "", agentId: null, subjectId: null },
  { kind: "agent", id: agentId, name: "", agentId, subjectId: null },
  { kind: "item", id: `${agentId}/vm`, name: "", agentId, subjectId: "vm" },
  { kind: "aomei", id: "7", name: "", agentId: null, subjectId: "aomei:7" },
];

it.each(scopes)("a report on $kind is read from indexes", async (scope) => {
  const steps = await stepsOf(() => reportFacts(db, scope, 30, now));
  expect(steps.length).toBeGreaterThan(10);
  expect(steps.filter((step) => !step.includes("INDEX"))).toEqual([]);
});

it("metrics are counted in indexes", async () => {
  const steps = await stepsOf(async () => [await fleetMetrics(db, 3, now), await queueMetrics(db, now)]);
  expect(steps.length).toBeGreaterThan(15);
  expect(
    steps.filter(
      (step) =>
        !/^SEARCH .*(?:INDEX|PRIMARY KEY)/.test(step) &&
        !/^SCAN .*USING (?:COVERING )?INDEX \w+_(?:waiting|due)\b/.test(step),
    ),
  ).toEqual([]);
});

it("evidence is looked for by its time", async () => {
  const all = { from, until: now, agentId: null };
  for (const period of [all, { ...all, agentId }]) {
    const steps = await stepsOf(async () => {
      for await (const _ of verificationsOf(store, period));
      for await (const _ of drillsOf(store, period));
    });
    expect(steps).toHaveLength(2);
    for (const step of steps) expect(step).toMatch(/^SEARCH \w+ USING INDEX .*_at[><]/);
  }
});

it("the list of schedules is read from an index, from its start and from its middle", async () => {
  const middle = Buffer.from(JSON.stringify([now.getTime(), "x"])).toString("base64url");
  for (const cursor of [undefined, middle]) {
    const steps = await stepsOf(() => listSchedules({ store, now: () => now }, admin, { limit: 10, cursor }));
    expect(steps.length).toBeGreaterThan(0);
    expect(steps.filter((step) => !step.includes("INDEX report_schedules_newest"))).toEqual([]);
  }
});
