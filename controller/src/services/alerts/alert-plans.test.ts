/** No list of alerts, and no look at what is due, reads a whole table: SQLite says so itself of each query. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Store } from "../../store/db.ts";
import { choicesOf, openTestPlans, type TestPlans } from "../../store/test-plans.ts";
import { waitingHeads } from "../channels/claim.ts";
import { listDeliveries } from "../channels/deliveries.ts";
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

let plans: TestPlans;
let context: ServiceContext;

beforeAll(async () => {
  plans = await openTestPlans({ fill: addAlert, writes: true });
  context = { store: plans.store, now: () => new Date(START.getTime() + 1e11) };
});
afterAll(() => plans[Symbol.asyncDispose]());

async function addAlert(store: Store): Promise<void> {
  const subject = { subjectKey: "item:a/b", type: "missed_run", subjectKind: "item", agentId: HOST } as const;
  const story = { severity: "critical", message: "", evidence: {} } as const;
  await store.write(async (db) => {
    const times = { createdAt: START, changedAt: START, lastNotifiedAt: START, nextLookAt: START };
    await db
      .insert(db.tables.alerts)
      .values({ ...subject, ...story, ...times, alertId, state: "open", notifiedCount: 1 });
    await db.insert(db.tables.flips).values({ ...subject, ...story, at: START, state: "firing" });
  });
}

/** The steps about these tables that are not wanted. */
async function scans(work: () => Promise<unknown>, tables: RegExp, wanted = /INDEX/): Promise<string[]> {
  const steps = await plans.stepsOf(work, (text) => text.startsWith("select"));
  const ofRows = steps.filter((step) => tables.test(step));
  expect(ofRows.length).toBeGreaterThan(0);
  return ofRows.filter((step) => !wanted.test(step));
}

const FILTERS = { agentId: HOST, state: "open", severity: "critical", type: "missed_run" } as const;
const CHOICES: object[] = choicesOf(FILTERS);

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

  it("messages are read from an index, and only those that wait are looked through", async () => {
    const limit = 100;
    for (const chosen of choicesOf({ channelId: "mail", state: "waiting" as const }))
      for (const at of [{}, { cursor }])
        expect(await scans(() => listDeliveries(context, actor, { limit, ...chosen, ...at }), /deliveries/)).toEqual(
          [],
        );
    const waiting = await scans(
      () => plans.store.read(waitingHeads),
      / deliveries\b/,
      /^SEARCH|INDEX deliveries_waiting/,
    );
    expect(waiting).toEqual([]);
  });

  it("nothing that grows is searched for one alert, for what has flipped, is due, is gone or is old", async () => {
    const grows = / (alerts|flips|alert_notes|deliveries|conditions|silences|backups|items)\b/;
    // The partial indexes hold only what waits, or is open.
    const wanted = /^SEARCH|INDEX (flips_waiting|alerts_look|alerts_one_open|silences_open)\b/;
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
