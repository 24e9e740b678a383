/** No list of policies, their items or of maintenance reads a whole table: SQLite says so itself. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { openTestPlans, type TestPlans } from "../../store/test-plans.ts";
import type { ServiceContext } from "../context.ts";
import { listWindows } from "../windows/list.ts";
import { listPolicies, listPolicyItems, listPolicyVersions } from "./list.ts";
import { addHost, addPolicy, caller, fleetOn } from "./test-fleet.ts";

const { actor } = caller;
const cursorOf = (ids: number) =>
  Buffer.from(JSON.stringify([Date.now(), ...Array.from({ length: ids }, () => "9")])).toString("base64url");

let plans: TestPlans;
let policyId: string;
let agentId: string;
let context: ServiceContext;

beforeAll(async () => {
  plans = await openTestPlans({
    fill: async (store) => {
      const fleet = fleetOn(store);
      agentId = await addHost(fleet);
      policyId = await addPolicy(fleet);
    },
  });
  context = { store: plans.store, now: () => new Date() };
});
afterAll(() => plans[Symbol.asyncDispose]());

type Page = { limit: number; cursor: string | undefined };
const LISTS: [string, string, number, (page: Page) => Promise<unknown>][] = [
  ["policies", "policies", 1, (page) => listPolicies(context, actor, page)],
  ["policies that are on", "policies", 1, (page) => listPolicies(context, actor, { ...page, enabled: true })],
  ["versions", "policy_versions", 1, (page) => listPolicyVersions(context, actor, { ...page, policyId })],
  ["items", "item_policies", 2, (page) => listPolicyItems(context, actor, { ...page, policyId })],
  ["items of an agent", "item_policies", 2, (page) => listPolicyItems(context, actor, { ...page, policyId, agentId })],
  ["maintenance", "maintenance_windows", 1, (page) => listWindows(context, actor, page)],
  ["ended maintenance", "maintenance_windows", 1, (page) => listWindows(context, actor, { ...page, ended: true })],
  ["open maintenance", "maintenance_windows", 1, (page) => listWindows(context, actor, { ...page, ended: false })],
];

it.each(LISTS)(
  "the list of %s is read from an index, from its start and from its middle",
  async (_what, table, ids, list) => {
    for (const cursor of [undefined, cursorOf(ids)]) {
      const steps = await plans.stepsOf(() => list({ limit: 100, cursor }));
      const ofRows = steps.filter((step) => step.includes(` ${table}`));
      expect(ofRows.length).toBeGreaterThan(0);
      expect(ofRows.filter((step) => !step.includes("INDEX"))).toEqual([]);
    }
  },
);
