/** No list of health, and nothing that is looked for again and again, reads a whole table: SQLite says so itself. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestPlans, type TestPlans } from "../../store/test-plans.ts";
import { loadCopyPoints } from "../compliance/copy-points.ts";
import type { ServiceContext } from "../context.ts";
import { countDay } from "./count-day.ts";
import { daysOfItems } from "./daily.ts";
import { dailyHealth, listItemStates } from "./list.ts";
import { refreshDue } from "./refresh.ts";
import { admin } from "./test-health.ts";
import { watchMissed } from "./watch-missed.ts";

const agentId = "9f6d5c1e-0000-4000-8000-000000000001";
const middle = Buffer.from(JSON.stringify([Date.now(), "x", "x"])).toString("base64url");

let plans: TestPlans;
let context: ServiceContext;

beforeAll(async () => {
  plans = await openTestPlans();
  context = { store: plans.store, now: () => new Date() };
});
afterAll(() => plans[Symbol.asyncDispose]());

const FILTERS = [
  {},
  { agentId },
  { band: "critical" },
  { compliant: false },
  { agentId, band: "good" },
  { agentId, compliant: true },
  { band: "warning", compliant: true },
  { agentId, band: "warning", compliant: true },
] as const;

describe("the list of items' worth", () => {
  it.each(FILTERS)("by %o is read from an index in its order", async (chosen) => {
    for (const cursor of [undefined, middle]) {
      const steps = await plans.stepsOf(() => listItemStates(context, admin, { ...chosen, limit: 100, cursor }));
      const rows = steps.filter((step) => step.includes(" item_states"));
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.filter((step) => !step.includes("INDEX"))).toEqual([]);
      expect(steps.filter((step) => step.includes("TEMP B-TREE FOR ORDER BY"))).toEqual([]);
    }
  });
});

it("the proofs of a day are read before their backups, whatever the statistics say", async () => {
  const steps = await plans.stepsOf(
    () => countDay(plans.db, agentId, "2026-03-01"),
    (text) => / from "(verifications|drills)" cross join "backups" /.test(text),
  );
  const searched = steps.filter((step) => step.startsWith("SEARCH"));
  expect(searched.map((step) => step.split(" ")[1])).toEqual(["verifications", "backups", "drills", "backups"]);
});

it.each([
  [
    "the days of one",
    () => dailyHealth(context, admin, { scope: "item", id: `${agentId}/vm`, days: 30 }).catch(() => []),
  ],
  ["what a host did in a day", () => countDay(plans.db, agentId, "2026-03-01")],
  ["the days of a host's items", () => daysOfItems(plans.store, agentId, ["2026-03-01"])],
  ["an item's copies", () => loadCopyPoints(plans.db, { agentId, vmContextId: "vm-1" })],
  ["what it is time for", () => refreshDue(context)],
  ["what was missed", () => watchMissed()(context)],
])("%s is looked for in an index", async (_name, work) => {
  const steps = await plans.stepsOf(work);
  expect(steps.length).toBeGreaterThan(0);
  expect(steps.filter((step) => step.startsWith("SCAN"))).toEqual([]);
});
