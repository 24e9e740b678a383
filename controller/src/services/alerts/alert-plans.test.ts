/** No list of alerts, and no look at what is due, reads a whole table: SQLite says so itself of each query. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { drizzle } from "drizzle-orm/better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Db } from "../../store/db.ts";
import { TABLES } from "../../store/schema.ts";
import { openStore } from "../../store/store.ts";
import type { ServiceContext } from "../context.ts";
import { observeGone } from "./gone.ts";
import { getAlert, listAlerts } from "./list.ts";
import { lookAtDue } from "./look-at-due.ts";
import { processFlips } from "./process-flips.ts";
import { purgeAlerts } from "./purge.ts";
import { listRoutes } from "./routes.ts";
import { listSilences } from "./silences.ts";
import { HOST, START, testCaller } from "./test-alerts.ts";

const { actor } = testCaller;
const cursor = Buffer.from(JSON.stringify([Date.now(), "x"])).toString("base64url");
const alertId = "00000000-0000-4000-8000-000000000001";

let folder: string;
let connection: InstanceType<typeof Database>;
let asked: { text: string; values: unknown[] }[];
let context: ServiceContext;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-plans-"));
  const file = join(folder, "controller.db");
  const store = await openStore({ file });
  const subject = { subjectKey: "item:a/b", type: "missed_run", subjectKind: "item", agentId: HOST } as const;
  const story = { severity: "critical", message: "", evidence: {} } as const;
  await store.write(async (db) => {
    const times = { createdAt: START, changedAt: START, lastNotifiedAt: START, nextLookAt: START };
    await db
      .insert(db.tables.alerts)
      .values({ ...subject, ...story, ...times, alertId, state: "open", notifiedCount: 1 });
    await db.insert(db.tables.flips).values({ ...subject, ...story, at: START, state: "firing" });
  });
  await store.close();
  connection = new Database(file);
  const logger = { logQuery: (text: string, values: unknown[]) => void asked.push({ text, values }) };
  const db = Object.assign(drizzle(connection, { logger }), { tables: TABLES.sqlite }) as unknown as Db;
  const run = <T>(work: (db: Db) => Promise<T>) => work(db);
  context = { store: { ...store, read: run, write: run }, now: () => new Date(START.getTime() + 1e11) };
});
afterAll(async () => {
  connection.close();
  await rm(folder, { recursive: true, force: true });
});

/** The steps about these tables that are not wanted. */
async function scans(work: () => Promise<unknown>, tables: RegExp, wanted = /INDEX/): Promise<string[]> {
  asked = [];
  await work();
  const selects = asked.filter(({ text }) => text.startsWith("select"));
  const steps = selects.flatMap(({ text, values }) =>
    connection.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${text}`).all(...values),
  );
  const ofRows = steps.map(({ detail }) => detail).filter((step) => tables.test(step));
  expect(ofRows.length).toBeGreaterThan(0);
  return ofRows.filter((step) => !wanted.test(step));
}

const FILTERS = { agentId: HOST, state: "open", severity: "critical", type: "missed_run" } as const;
const each = Object.entries(FILTERS).map(([name, value]) => ({ [name]: value }));
const CHOICES: object[] = [
  {},
  ...each,
  ...each.flatMap((one, n) => each.slice(n + 1).map((two) => ({ ...one, ...two }))),
];

describe("alerts", () => {
  it.each(CHOICES)("by %o are read from an index, from their start and from their middle", async (chosen) => {
    for (const at of [{}, { cursor }])
      expect(await scans(() => listAlerts(context, actor, { limit: 100, ...chosen, ...at }), /alerts/)).toEqual([]);
  });

  it("routes and silences are read from an index", async () => {
    const page = { limit: 100, cursor };
    expect(await scans(() => listRoutes(context, actor, page), /routes/)).toEqual([]);
    expect(await scans(() => listSilences(context, actor, page), /silences/)).toEqual([]);
  });

  it("nothing that grows is searched for one alert, for what has flipped, is due, is gone or is old", async () => {
    const grows = / (alerts|flips|alert_notes|deliveries|conditions|silences|backups|items)\b/;
    // The partial indexes hold only what waits.
    const wanted = /^SEARCH|INDEX (flips_waiting|alerts_look|silences_open)\b/;
    const { store } = context;
    const works = [
      () => getAlert(context, actor, alertId),
      () => store.write((db) => processFlips(db, context.now())),
      () => store.write((db) => lookAtDue(db, context.now())),
      () => observeGone(context),
      () => purgeAlerts(context),
    ];
    for (const work of works) expect(await scans(work, grows, wanted)).toEqual([]);
  });
});
