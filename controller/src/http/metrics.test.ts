import { expect, it } from "vitest";
import { recordObservations } from "../services/alerts/observe.ts";
import { addDelivery } from "../services/channels/add-delivery.ts";
import { seedReportFleet } from "../services/reports/test-report-fleet.ts";
import { seedRows } from "../store/test-rows.ts";
import { describeApi, START } from "./test-api.ts";
import { seedItem, seedRun } from "./test-seeds.ts";

const AGO = (seconds: number) => new Date(START.getTime() - seconds * 1000);

/** Every sample of a page, by its name and labels. */
function samples(page: string): Map<string, number> {
  const lines = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
}

describeApi("metrics", (api) => {
  async function read() {
    const reply = await api().get("/metrics");
    expect(reply.status).toBe(200);
    expect(reply.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    return { page: reply.text, all: samples(reply.text) };
  }

  it("tell of a controller that has done nothing yet, each name with its help and type once", async () => {
    const { page, all } = await read();
    expect(all.get('holdfast_build_info{version="test"}')).toBe(1);
    expect(all.get("holdfast_ledger_lag_seconds")).toBe(0);
    expect(all.get("holdfast_data_free_bytes")).toBe(5e9);
    expect(all.get('holdfast_alerts_open{severity="critical"}')).toBe(0);
    expect(all.get("process_resident_memory_bytes")).toBeGreaterThan(1e6);
    const types = page.match(/^# TYPE \S+/gm) ?? [];
    expect(new Set(types).size).toBe(types.length);
    expect(page).not.toMatch(/NaN|undefined|null/);
    // What `promtool check metrics` asks for, and no label that a scraper has for itself.
    for (const [, name = "", type] of page.matchAll(/^# TYPE (holdfast_\S+) (\S+)$/gm)) {
      expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
      expect(name).toMatch(/^[a-z_]+$/);
      expect(name).not.toMatch(
        /_(?:count|sum|bucket|milliseconds|minutes|hours|days|megabytes|percent|gauge|counter)$/,
      );
      expect(page).toMatch(new RegExp(`^# HELP ${name} \\S`, "m"));
    }
    expect(page).not.toMatch(/[{,](?:job|instance)=/);
    expect(all.get('holdfast_runs_running{kind="drill"}')).toBe(0);
    expect(all.get('holdfast_commands_open{state="queued"}')).toBe(0);
  });

  it("count what is there and how long it waits", async () => {
    const seeded = await seedItem(api());
    api().connect(seeded.agentId);
    await api().agent("away");
    await seedRun(api(), seeded, "run-1", "running");
    const { agentId, vmContextId: subjectId } = seeded;
    const due = { agentId, subjectId, subjectKind: "item" as const, task: "backup" as const, writtenAt: AGO(9e4) };
    const row = (state: "missed" | "ran" | "unknown", ago: number) => ({
      ...{ ...due, state, dueAt: AGO(ago), startsAt: AGO(ago), graceUntil: AGO(ago - 60) },
      settledAt: state === "unknown" ? null : AGO(ago - 60),
    });
    const payload = {
      ...{ notification_id: "n", kind: "test" as const, title: "t", text: "", severity: "info" as const, alerts: [] },
    };
    await api().store.write(async (db) => {
      const rows = [row("missed", 3600), row("missed", 90_000), row("ran", 7200), row("unknown", 80_000)];
      await seedRows(db, db.tables.expectedRuns, rows);
      const delivery = { routeId: null, channelId: "log", alertIds: [], payload, dedupeKey: null };
      await addDelivery(db, delivery, AGO(120));
      const subject = { kind: "agent" as const, key: `agent:${agentId}`, agentId };
      const seen = { subject, type: "agent_offline" as const, state: "firing" as const, message: "away" };
      await recordObservations(db, [seen], AGO(30));
      await seedRows(db, db.tables.projections, [{ name: "ledger", cursor: 0, at: AGO(30) }]);
      const event = { eventId: "e", agentId, epoch: "e", seq: 1, kind: "heartbeat", at: AGO(50), receivedAt: AGO(45) };
      await seedRows(db, db.tables.events, [{ ...event, subject: null, body: {}, problem: null }]);
    });
    const beat = api().context.heartbeats.watch("purge", 1000);
    beat.ended();
    beat.failed();
    const { all } = await read();
    const expected = {
      'holdfast_agents{state="connected"}': 1,
      'holdfast_agents{state="away"}': 1,
      'holdfast_runs_running{kind="backup"}': 1,
      'holdfast_expected_runs_last_day{state="missed"}': 1,
      'holdfast_expected_runs_last_day{state="ran"}': 1,
      'holdfast_expected_runs_open{state="unknown"}': 1,
      holdfast_flips_waiting: 1,
      holdfast_flips_oldest_seconds: 30,
      holdfast_deliveries_waiting: 1,
      holdfast_deliveries_oldest_seconds: 120,
      'holdfast_projection_lag_seconds{projection="ledger"}': 45,
      'holdfast_job_runs_total{name="purge"}': 2,
      'holdfast_job_failures_total{name="purge"}': 1,
      'holdfast_http_request_seconds_count{method="POST",route="/api/v1/items",status="201"}': 1,
    };
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, all.get(name)]))).toEqual(expected);
  });

  it("say what is proven of the fleet, and of a score that is of last month nothing", async () => {
    await seedReportFleet(api().store, api().clock.now);
    const worth = async () => {
      const { all } = await read();
      return ["holdfast_health_score", "holdfast_items_unproven", "holdfast_items_compliant"].map((name) =>
        all.get(name),
      );
    };
    expect(await worth()).toEqual([0.8, 1, 2]);
    api().clock.now = new Date(api().clock.now.getTime() + 20 * 86_400_000);
    expect(await worth()).toEqual([undefined, 1, 2]);
  });

  it("are for those who may read all of the fleet", async () => {
    const agentId = await api().agent();
    expect((await api().get("/metrics", { as: null })).status).toBe(401);
    expect((await api().get("/metrics", { as: await api().key(["operate"]) })).status).toBe(403);
    expect((await api().get("/metrics", { as: await api().key(["read"], agentId) })).status).toBe(403);
    expect((await api().get("/metrics", { as: await api().key(["read"]) })).status).toBe(200);
  });
});

describeApi("readiness", (api) => {
  const ask = () => api().get("/readyz", { as: null });

  it("is there while all is well, and says what is not", async () => {
    expect((await ask()).body).toEqual({ status: "ok" });
    api().context.room = async () => ({ freeBytes: 1000, totalBytes: 1e10 });
    const full = await ask();
    expect([full.status, full.body["error"]]).toEqual([503, "the data folder's medium is full"]);
    await api().store.close();
    const { status, body, headers } = await ask();
    expect([status, body["error"], body["details"]]).toEqual([
      ...[503, "the database does not answer", "the data folder's medium is full"],
    ]);
    expect(headers["retry-after"]).toBe("5");
  });

  it("waits for a database that hangs for a few seconds, and others for no longer than any request", async () => {
    const { store, limits } = api().context;
    api().context.store = { ...store, read: () => new Promise<never>(() => undefined) };
    api().context.limits = { ...limits, requestSeconds: 0.2 };
    const begun = performance.now();
    expect((await api().get("/metrics")).status).toBe(503);
    expect(performance.now() - begun).toBeLessThan(2000);
    api().context.limits = limits;
    expect((await ask()).body["error"]).toBe("the database does not answer");
    expect(performance.now() - begun).toBeLessThan(6000);
  });

  it("ends when one of the controller's own jobs stands still", async () => {
    const late = { job: "expected-runs", quietSeconds: 400, limitSeconds: 305, runs: 3, failures: 1 };
    api().context.heartbeats = { ...api().context.heartbeats, late: () => [late] };
    expect((await ask()).body["error"]).toBe("the job 'expected-runs' has not ended well for 400 s");
  });
});
