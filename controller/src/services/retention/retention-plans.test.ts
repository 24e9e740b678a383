/** No list of marks, plans, holds or approvals reads a whole table, nor does what retention loads of an item. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Actor } from "../../domain/access.ts";
import { purgeRemovedBackups, purgeUnmadeBackups } from "../../store/purge-backups.ts";
import { purgeDrills, purgeVerifications } from "../../store/purge-proofs.ts";
import { purgeRetentionPlans } from "../../store/purge-retention-plans.ts";
import { choicesOf, openTestPlans, type TestPlans } from "../../store/test-plans.ts";
import { listApprovals } from "../approvals/list.ts";
import type { ServiceContext } from "../context.ts";
import { listHolds } from "../holds/list.ts";
import { openHolds } from "../holds/open-holds.ts";
import { promisesOn } from "../holds/promises.ts";
import { listMarks, listPlans } from "./list.ts";
import { loadPoints } from "./points.ts";
import { proofTimesOf } from "./proof-times.ts";
import { openPlans } from "./supersede.ts";
import { usesOf } from "./uses.ts";

const admin: Actor = { kind: "token", id: "admin", scopes: ["admin"], agentId: null };
const agentId = "9f6d5c1e-0000-4000-8000-000000000001";
const item = { agentId, vmContextId: "vm-1" };
const NOW = new Date("2026-02-15T12:00:00Z");
const middle = (ids: number) =>
  Buffer.from(JSON.stringify([Date.now(), ...Array.from({ length: ids }, () => "x")])).toString("base64url");

let plans: TestPlans;
let context: ServiceContext;

beforeAll(async () => {
  plans = await openTestPlans();
  context = { store: plans.store, now: () => NOW };
});
afterAll(() => plans[Symbol.asyncDispose]());

async function stepsOf(work: () => Promise<unknown>): Promise<string[]> {
  const steps = await plans.stepsOf(work);
  return steps.filter((detail) => /^(SCAN|SEARCH|USE TEMP)/.test(detail) && detail !== "SCAN few");
}

type Page = { limit: number; cursor: string | undefined };
const LISTS: [string, number, object, (filters: object, page: Page) => Promise<unknown>][] = [
  ["marks", 2, { ...item, mark: "remove" }, (filters, page) => listMarks(context, admin, { ...filters, ...page })],
  ["plans", 1, { ...item, state: "waiting" }, (filters, page) => listPlans(context, admin, { ...filters, ...page })],
  [
    "open holds",
    1,
    { ...item, released: false },
    (filters, page) => listHolds(context, admin, { ...filters, ...page }),
  ],
  [
    "released holds",
    1,
    { released: true, agentId },
    (filters, page) => listHolds(context, admin, { ...filters, ...page }),
  ],
  [
    "approvals",
    1,
    { agentId },
    (filters, page) => listApprovals(context, admin, { state: "approved", ...filters, ...page }),
  ],
  [
    "those that wait",
    1,
    { agentId },
    (filters, page) => listApprovals(context, admin, { state: "needed", ...filters, ...page }),
  ],
];

it.each(LISTS)("the list of %s is read from an index", async (_what, ids, filters, list) => {
  for (const chosen of choicesOf(filters))
    for (const cursor of [undefined, middle(ids)]) {
      const steps = await stepsOf(() => list(chosen, { limit: 100, cursor }));
      expect([chosen, steps.length]).not.toEqual([chosen, 0]);
      expect([chosen, steps.filter((step) => !step.includes("INDEX"))]).toEqual([chosen, []]);
    }
});

it("what is purged is found by indexes", async () => {
  const bound = { before: NOW, maxRows: 1000, from: new Date(0), batch: 200 };
  const purges = [purgeVerifications, purgeDrills, purgeRemovedBackups, purgeUnmadeBackups, purgeRetentionPlans];
  for (const purge of purges) {
    const steps = await stepsOf(() => purge(plans.db, bound));
    expect([purge.name, steps.length]).not.toEqual([purge.name, 0]);
    expect([purge.name, steps.filter((step) => !step.includes("INDEX"))]).toEqual([purge.name, []]);
  }
});

it("what retention loads of one item is looked up", async () => {
  const steps = await stepsOf(async () => {
    await loadPoints(plans.db, item, NOW);
    await openHolds(plans.db, item, NOW);
    await proofTimesOf(plans.db, item);
    await usesOf(plans.db, agentId, []);
    await openPlans(plans.db, item);
    await promisesOn(plans.db, [{ ...item, backupId: "b", createdAt: NOW, recordedAt: null }], NOW);
  });
  expect(steps.length).toBeGreaterThan(6);
  expect(steps.filter((step) => step.startsWith("SCAN"))).toEqual([]);
});
