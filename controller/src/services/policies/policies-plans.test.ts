/** No list of policies, their items or of maintenance reads a whole table: SQLite says so itself. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { drizzle } from "drizzle-orm/better-sqlite3";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Db } from "../../store/db.ts";
import { TABLES } from "../../store/schema.ts";
import { openStore } from "../../store/store.ts";
import type { ServiceContext } from "../context.ts";
import { listWindows } from "../windows/list.ts";
import { listPolicies, listPolicyItems, listPolicyVersions } from "./list.ts";
import { addHost, addPolicy, caller, fleetOn } from "./test-fleet.ts";

const { actor } = caller;
const cursorOf = (ids: number) =>
  Buffer.from(JSON.stringify([Date.now(), ...Array.from({ length: ids }, () => "9")])).toString("base64url");

let folder: string;
let connection: InstanceType<typeof Database>;
let policyId: string;
let agentId: string;
let asked: { text: string; values: unknown[] }[] = [];
let context: ServiceContext;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-plans-"));
  const file = join(folder, "controller.db");
  const store = await openStore({ file });
  const fleet = fleetOn(store);
  agentId = await addHost(fleet);
  policyId = await addPolicy(fleet);
  await store.close();
  connection = new Database(file);
  const logger = { logQuery: (text: string, values: unknown[]) => void asked.push({ text, values }) };
  const db = Object.assign(drizzle(connection, { logger }), { tables: TABLES.sqlite }) as unknown as Db;
  context = { store: { ...store, read: (work) => work(db) }, now: () => new Date() };
});
afterAll(async () => {
  connection.close();
  await rm(folder, { recursive: true, force: true });
});

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
      asked = [];
      await list({ limit: 100, cursor });
      const steps = asked.flatMap(({ text, values }) =>
        connection
          .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${text}`)
          .all(...values)
          .map(({ detail }) => detail),
      );
      const ofRows = steps.filter((step) => step.includes(` ${table}`));
      expect(ofRows.length).toBeGreaterThan(0);
      expect(ofRows.filter((step) => !step.includes("INDEX"))).toEqual([]);
    }
  },
);
