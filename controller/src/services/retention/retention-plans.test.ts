/** No list of marks, plans, holds or approvals reads a whole table, nor does what retention loads of an item. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { drizzle } from "drizzle-orm/better-sqlite3";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Actor } from "../../domain/access.ts";
import type { Db } from "../../store/db.ts";
import { TABLES } from "../../store/schema.ts";
import { openStore } from "../../store/store.ts";
import { listApprovals } from "../approvals/list.ts";
import type { ServiceContext } from "../context.ts";
import { listHolds } from "../holds/list.ts";
import { openHolds } from "../holds/open-holds.ts";
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

let folder: string;
let connection: InstanceType<typeof Database>;
let asked: { text: string; values: unknown[] }[] = [];
let db: Db;
let context: ServiceContext;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-plans-"));
  const file = join(folder, "controller.db");
  const store = await openStore({ file });
  await store.close();
  connection = new Database(file);
  const logger = { logQuery: (text: string, values: unknown[]) => void asked.push({ text, values }) };
  db = Object.assign(drizzle(connection, { logger }), { tables: TABLES.sqlite }) as unknown as Db;
  context = { store: { ...store, read: (work) => work(db) }, now: () => NOW };
});
afterAll(async () => {
  connection.close();
  await rm(folder, { recursive: true, force: true });
});

async function stepsOf(work: () => Promise<unknown>): Promise<string[]> {
  asked = [];
  await work();
  return asked.flatMap(({ text, values }) =>
    connection
      .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${text}`)
      .all(...values)
      .map(({ detail }) => detail)
      .filter((detail) => /^(SCAN|SEARCH|USE TEMP)/.test(detail) && detail !== "SCAN few"),
  );
}

/** The plain list, each filter, and each pair of them. */
function choices<Filters extends object>(filters: Filters): Partial<Filters>[] {
  const each = Object.entries(filters).map(([name, value]) => ({ [name]: value }) as Partial<Filters>);
  const pairs = each.flatMap((one, index) => each.slice(index + 1).map((other) => ({ ...one, ...other })));
  return [{}, ...each, ...pairs];
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
  for (const chosen of choices(filters))
    for (const cursor of [undefined, middle(ids)]) {
      const steps = await stepsOf(() => list(chosen, { limit: 100, cursor }));
      expect([chosen, steps.length]).not.toEqual([chosen, 0]);
      expect([chosen, steps.filter((step) => !step.includes("INDEX"))]).toEqual([chosen, []]);
    }
});

it("what retention loads of one item is looked up", async () => {
  const steps = await stepsOf(async () => {
    await loadPoints(db, item, NOW);
    await openHolds(db, item, NOW);
    await proofTimesOf(db, item);
    await usesOf(db, agentId, []);
    await openPlans(db, item);
  });
  expect(steps.length).toBeGreaterThan(6);
  expect(steps.filter((step) => step.startsWith("SCAN"))).toEqual([]);
});
