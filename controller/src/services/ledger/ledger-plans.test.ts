/** No list of the ledger reads a whole table, whatever it is filtered by: SQLite says so itself of each query. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Actor } from "../../domain/access.ts";
import { choicesOf, openTestPlans, type TestPlans } from "../../store/test-plans.ts";
import type { ServiceContext } from "../context.ts";
import { openLinks } from "../presence/links.ts";
import { watchBusy } from "./busy.ts";
import { listExpectedRuns, listJobs } from "./list.ts";
import { settleDue } from "./settle-due.ts";
import { takeBack } from "./take-back.ts";
import { writeExpected } from "./write-expected.ts";

const admin: Actor = { kind: "token", id: "admin", scopes: ["admin"], agentId: null };
const agentId = "9f6d5c1e-0000-4000-8000-000000000001";
const middle = Buffer.from(JSON.stringify([Date.now(), "x", "x", "x"])).toString("base64url");

let plans: TestPlans;
let context: ServiceContext;

beforeAll(async () => {
  plans = await openTestPlans();
  context = { store: plans.store, now: () => new Date() };
});
afterAll(() => plans[Symbol.asyncDispose]());

async function plansOf(work: () => Promise<unknown>, table: string): Promise<string[]> {
  return (await plans.stepsOf(work)).filter((step) => step.includes(` ${table}`));
}

/** The plain list, each filter, each pair of them, and all. */
function choices<Filters extends object>(filters: Filters): Partial<Filters>[] {
  return [...choicesOf(filters), filters];
}

const paged = (cursor: string | undefined) => ({ limit: 100, cursor });
const FILTERS = { agentId, vmContextId: "vm-1", task: "verify", state: "missed" } as const;

describe("the list of expected runs", () => {
  it.each(choices(FILTERS))("by %o is read from an index in its order", async (chosen) => {
    for (const cursor of [undefined, middle]) {
      const steps = await plansOf(
        () => listExpectedRuns(context, admin, { ...chosen, ...paged(cursor) }),
        "expected_runs",
      );
      expect(steps.length).toBeGreaterThan(0);
      expect(steps.filter((step) => !step.includes("INDEX"))).toEqual([]);
    }
  });
});

it.each(choices({ agentId, vmContextId: "vm-1" }))("the list of jobs by %o is read from an index", async (chosen) => {
  for (const cursor of [undefined, middle]) {
    const steps = await plansOf(() => listJobs(context, admin, { ...chosen, ...paged(cursor) }), "jobs");
    expect(steps.length).toBeGreaterThan(0);
    expect(steps.filter((step) => !step.includes("INDEX"))).toEqual([]);
  }
});

it("what happens every few seconds is looked for in the index of what is open", async () => {
  const links = openLinks();
  const settling = { ...context, links, startedAt: new Date() };
  const inStep = { look: () => undefined, since: () => null };
  const settled = await plansOf(() => settleDue(settling, { inStep, busy: watchBusy() }), "expected_runs");
  expect(settled).toEqual(
    [1, 2].map(() => expect.stringMatching(/USING (COVERING )?INDEX expected_runs_(open|state)/)),
  );
  const presence = { of: () => undefined };
  const ahead = await plansOf(() => takeBack({ ...context, presence }), "expected_runs");
  expect(ahead).toEqual([expect.stringMatching(/SEARCH expected_runs USING COVERING INDEX expected_runs_newest/)]);
  const written = await plansOf(() => writeExpected(context), "jobs");
  expect(written).toEqual([expect.stringMatching(/SEARCH jobs USING INDEX jobs_due/)]);
});
