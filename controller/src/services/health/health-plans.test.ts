/** No list of health, and nothing that is looked for again and again, reads a whole table: SQLite says so itself. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { drizzle } from "drizzle-orm/better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Db } from "../../store/db.ts";
import { TABLES } from "../../store/schema.ts";
import { openStore } from "../../store/store.ts";
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

let folder: string;
let connection: InstanceType<typeof Database>;
let asked: { text: string; values: unknown[] }[];
let context: ServiceContext;
let db: Db;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-plans-"));
  const file = join(folder, "controller.db");
  const store = await openStore({ file });
  await store.close();
  connection = new Database(file);
  const logger = { logQuery: (text: string, values: unknown[]) => void asked.push({ text, values }) };
  db = Object.assign(drizzle(connection, { logger }), { tables: TABLES.sqlite }) as unknown as Db;
  context = { store: { ...store, read: (work) => work(db) }, now: () => new Date() };
});
afterAll(async () => {
  connection.close();
  await rm(folder, { recursive: true, force: true });
});

async function plansOf(work: () => Promise<unknown>): Promise<string[]> {
  asked = [];
  await work();
  return asked.flatMap(({ text, values }) =>
    connection
      .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${text}`)
      .all(...values)
      .map(({ detail }) => detail),
  );
}

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
      const plans = await plansOf(() => listItemStates(context, admin, { ...chosen, limit: 100, cursor }));
      const rows = plans.filter((step) => step.includes(" item_states"));
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.filter((step) => !step.includes("INDEX"))).toEqual([]);
      expect(plans.filter((step) => step.includes("TEMP B-TREE FOR ORDER BY"))).toEqual([]);
    }
  });
});

it.each([
  [
    "the days of one",
    () => dailyHealth(context, admin, { scope: "item", id: `${agentId}/vm`, days: 30 }).catch(() => []),
  ],
  ["what a host did in a day", () => countDay(db, agentId, "2026-03-01")],
  ["the days of a host's items", () => daysOfItems(db, agentId, ["2026-03-01"])],
  ["an item's copies", () => loadCopyPoints(db, { agentId, vmContextId: "vm-1" })],
  ["what it is time for", () => refreshDue(context)],
  ["what was missed", () => watchMissed()(context)],
])("%s is looked for in an index", async (_name, work) => {
  const plans = await plansOf(work);
  expect(plans.length).toBeGreaterThan(0);
  expect(plans.filter((step) => step.startsWith("SCAN"))).toEqual([]);
});
