/** No list of the ledger reads a whole table, whatever it is filtered by: SQLite says so itself of each query. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { drizzle } from "drizzle-orm/better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Actor } from "../../domain/access.ts";
import type { Db } from "../../store/db.ts";
import { TABLES } from "../../store/schema.ts";
import { openStore } from "../../store/store.ts";
import type { ServiceContext } from "../context.ts";
import { openLinks } from "../presence/links.ts";
import { watchBusy } from "./busy.ts";
import { listExpectedRuns, listJobs } from "./list.ts";
import { settleDue } from "./settle-due.ts";
import { writeExpected } from "./write-expected.ts";

const admin: Actor = { kind: "token", id: "admin", scopes: ["admin"], agentId: null };
const agentId = "9f6d5c1e-0000-4000-8000-000000000001";
const middle = Buffer.from(JSON.stringify([Date.now(), "x", "x", "x"])).toString("base64url");

let folder: string;
let connection: InstanceType<typeof Database>;
let asked: { text: string; values: unknown[] }[];
let context: ServiceContext;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-plans-"));
  const file = join(folder, "controller.db");
  const store = await openStore({ file });
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

async function plansOf(work: () => Promise<unknown>, table: string): Promise<string[]> {
  asked = [];
  await work();
  const steps = asked.flatMap(({ text, values }) =>
    connection
      .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${text}`)
      .all(...values)
      .map(({ detail }) => detail),
  );
  return steps.filter((step) => step.includes(` ${table}`));
}

/** The plain list, each filter, each pair of them, and all. */
function choices<Filters extends object>(filters: Filters): Partial<Filters>[] {
  const each = Object.entries(filters).map(([name, value]) => ({ [name]: value }) as Partial<Filters>);
  const pairs = each.flatMap((one, index) => each.slice(index + 1).map((other) => ({ ...one, ...other })));
  return [{}, ...each, ...pairs, filters];
}

const paged = (cursor: string | undefined) => ({ limit: 100, cursor });
const FILTERS = { agentId, vmContextId: "vm-1", task: "verify", state: "missed" } as const;

describe("the list of expected runs", () => {
  it.each(choices(FILTERS))("by %o is read from an index in its order", async (chosen) => {
    for (const cursor of [undefined, middle]) {
      const plans = await plansOf(
        () => listExpectedRuns(context, admin, { ...chosen, ...paged(cursor) }),
        "expected_runs",
      );
      expect(plans.length).toBeGreaterThan(0);
      expect(plans.filter((step) => !step.includes("INDEX"))).toEqual([]);
    }
  });
});

it.each(choices({ agentId, vmContextId: "vm-1" }))("the list of jobs by %o is read from an index", async (chosen) => {
  for (const cursor of [undefined, middle]) {
    const plans = await plansOf(() => listJobs(context, admin, { ...chosen, ...paged(cursor) }), "jobs");
    expect(plans.length).toBeGreaterThan(0);
    expect(plans.filter((step) => !step.includes("INDEX"))).toEqual([]);
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
  const written = await plansOf(() => writeExpected(context), "jobs");
  expect(written).toEqual([expect.stringMatching(/SEARCH jobs USING INDEX jobs_due/)]);
});
