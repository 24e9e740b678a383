/** History is counted off and removed in small pieces: nobody waits for all of it. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { keptSince, type Timed } from "./purge-since.ts";
import { DEFAULT_HISTORY_RULES, purgeHistory } from "./retention.ts";
import { openTestPlans, type TestPlans } from "./test-plans.ts";
import { seedRows } from "./test-rows.ts";

const NOW = new Date("2026-06-01T00:00:00.000Z");
const daysAgo = (days: number) => new Date(NOW.getTime() - days * 86_400_000);
const ofExecutions: Timed = ({ executions: table }) => ({ table, at: table.startedAt });
const run = (day: number) => {
  const what = { agentId: "a", kind: "backup", vmContextId: "vm", state: "completed" } as const;
  return { ...what, runId: `run-${day}`, startedAt: daysAgo(day), receivedAt: NOW };
};

let plans: TestPlans;
beforeAll(async () => {
  const runs = Array.from({ length: 95 }, (_, day) => run(day));
  plans = await openTestPlans({
    fill: (store) => store.write((db) => seedRows(db, db.tables.executions, runs)),
    writes: true,
  });
});
afterAll(() => plans[Symbol.asyncDispose]());

it.each([
  ["too many", { before: daysAgo(900), maxRows: 40 }, daysAgo(39)],
  ["too old before they are too many", { before: daysAgo(20), maxRows: 40 }, daysAgo(20)],
  ["neither", { before: daysAgo(900), maxRows: 96 }, daysAgo(900)],
])("what is %s is found in steps as in one", async (_name, limits, since) => {
  for (const step of [7, 10, 40, 1000])
    expect(await keptSince(plans.store, ofExecutions, { ...limits, step })).toEqual(since);
});

it("what goes is looked for in the order of an index, from where the last step ended", async () => {
  const isRead = (text: string) =>
    text.startsWith("select") && / from "(executions|expected_runs|commands)"/.test(text);
  const steps = await plans.stepsOf(() => purgeHistory(plans.store, DEFAULT_HISTORY_RULES, NOW), isRead);
  expect(steps.length).toBeGreaterThan(5);
  expect(steps.filter((step) => !step.includes("INDEX"))).toEqual([]);
});
