import { asc } from "drizzle-orm";
import { expect, it } from "vitest";
import { mailServer } from "../adapters/channels/test-receivers.ts";
import { deliverDue } from "../services/channels/deliver.ts";
import { sendDueReports } from "../services/reports/scheduled.ts";
import { seedReportFleet } from "../services/reports/test-report-fleet.ts";
import { seedRows } from "../store/test-rows.ts";
import { describeApi, START } from "./test-api.ts";

const HOUR = 3_600_000;
const weekly = { name: "weekly", cron: "0 7 * * 1", zone: "Europe/Berlin", channel_ids: ["mail"] };
/** The Monday after START, 07:00 in Berlin. */
const MONDAY = new Date("2026-02-16T06:00:00.000Z");

describeApi("report schedules", (api) => {
  const at = (time: Date, hours = 0) => {
    api().clock.now = new Date(time.getTime() + hours * HOUR);
  };
  const send = () => sendDueReports(api().context, new AbortController().signal);
  const sent = async () =>
    await api().store.read((db) => db.select().from(db.tables.deliveries).orderBy(asc(db.tables.deliveries.sequence)));
  async function seedChannels(enabled = true) {
    const nothing = { config: {}, canary: false, createdAt: START, createdBy: "a", updatedAt: START };
    const mail = { ...nothing, channelId: "mail", name: "mail", kind: "smtp" as const, enabled: true };
    const off = { ...nothing, channelId: "off", name: "off", kind: "slack" as const, enabled };
    await api().store.write((db) => seedRows(db, db.tables.channels, [mail, off]));
  }
  async function create(more: object = {}) {
    const reply = await api().post("/api/v1/report-schedules", { ...weekly, ...more });
    expect([reply.status, reply.body["error"]]).toEqual([201, undefined]);
    return reply.body;
  }

  it("send once what is due, as a file and in words", async () => {
    await seedChannels();
    await seedReportFleet(api().store, START);
    expect(await create()).toMatchObject({ ...weekly, next_at: MONDAY.toISOString(), last_at: null, days: 7 });
    at(MONDAY, -0.01);
    expect([await send(), await sent()]).toEqual([0, []]);
    at(MONDAY);
    expect(await send()).toBe(1);
    expect(await send()).toBe(0);
    const [mail, ...others] = await sent();
    expect(others).toEqual([]);
    expect(mail).toMatchObject({ channelId: "mail", kind: "report", routeId: null, state: "waiting" });
    const { title, text, attachments = [] } = mail?.payload ?? { title: "", text: "" };
    expect(title).toBe("Backups: All hosts, 2026-02-10 to 2026-02-16");
    expect(text).toMatch(/^health: 77\.5 % .*\n.*\nmissed runs: 2 /ms);
    expect(text).toContain("- critical: missed_run of <8>");
    expect(attachments).toMatchObject([{ name: "holdfast-fleet-2026-02-16.html", type: "text/html" }]);
    expect(attachments[0]?.text).toContain("<h1>Backups: All hosts</h1>");
    const { body } = await api().get("/api/v1/report-schedules");
    expect(body["report_schedules"]).toMatchObject([
      { last_at: MONDAY.toISOString(), next_at: "2026-02-23T06:00:00.000Z", last_error: null },
    ]);
  });

  it("arrive by mail as a file that is the report", async () => {
    await using server = await mailServer();
    await seedReportFleet(api().store, START);
    const letter = {
      host: "127.0.0.1",
      port: server.port,
      security: "none",
      from: "h@example.org",
      to: ["a@example.org"],
    };
    const channel = await api().post("/api/v1/channels", { name: "post", kind: "smtp", config: letter });
    expect(channel.status).toBe(201);
    await create({ channel_ids: [channel.body["channel_id"]] });
    at(MONDAY);
    await send();
    await deliverDue(api().context, new AbortController().signal);
    const mail = server.mails[0]?.text ?? "";
    expect(mail).toMatch(/^Subject: Backups: All hosts, 2026-02-10 to 2026-02-16/m);
    const [, encoded = ""] = /filename=holdfast-fleet-2026-02-16\.html\r\n\r\n([\w+/=\r\n]+)/.exec(mail) ?? [];
    const report = (await api().get("/api/v1/reports/fleet.html")).text;
    expect(Buffer.from(encoded, "base64").toString()).toBe(report);
    expect((await sent()).map(({ state }) => state)).toEqual(["delivered"]);
  });

  it("that several look at at once, or after a long downtime, are sent once", async () => {
    await seedChannels();
    await create({ cron: "0 * * * *" });
    at(START, 50.5);
    await Promise.all([send(), send(), send()]);
    expect(await sent()).toHaveLength(1);
    at(START, 51);
    await send();
    expect(await sent()).toHaveLength(2);
  });

  it("that cannot be made say why, are an alert, and keep no other waiting", async () => {
    await seedChannels(false);
    const { agentId } = await seedReportFleet(api().store, START);
    const gone = await create({ name: "gone", scope_kind: "item", scope_id: `${agentId}/vm-1` });
    const half = await create({ name: "half", channel_ids: ["off", "mail"], format: "csv" });
    await api().store.write((db) => db.update(db.tables.items).set({ retiredAt: START }).execute());
    at(MONDAY);
    await send();
    const { body } = await api().get("/api/v1/report-schedules");
    const told = new Map(
      (body["report_schedules"] as Record<string, unknown>[]).map((row) => [row["schedule_id"], row]),
    );
    expect(told.get(gone["schedule_id"])).toMatchObject({ last_error: "there is no item vm-1", last_at: null });
    expect(told.get(half["schedule_id"])).toMatchObject({
      ...{ last_error: "these channels are gone or switched off: off", next_at: "2026-02-23T06:00:00.000Z" },
    });
    const deliveries = await sent();
    expect(deliveries.map(({ channelId }) => channelId)).toEqual(["mail"]);
    expect(deliveries[0]?.payload.attachments).toMatchObject([{ type: "text/csv" }]);
    const conditions = async () => {
      const rows = await api().store.read((db) => db.select().from(db.tables.conditions));
      return rows.map(({ type, state, message }) => `${type} ${state}: ${message}`).sort();
    };
    expect(await conditions()).toEqual([
      "report_failed firing: the report gone was not sent to all: there is no item vm-1",
      "report_failed firing: the report half was not sent to all: these channels are gone or switched off: off",
    ]);
    await api().call("DELETE", `/api/v1/report-schedules/${String(gone["schedule_id"])}`);
    const now = await api().call("PUT", `/api/v1/report-schedules/${String(half["schedule_id"])}`, { body: weekly });
    expect([now.status, (await conditions()).map((told) => told.slice(0, 17))]).toEqual([
      200,
      ["report_failed ok:", "report_failed ok:"],
    ]);
  });

  it("send nothing of more than a mebibyte", async () => {
    await seedChannels();
    await seedReportFleet(
      api().store,
      START,
      Array.from({ length: 700 }, (_, index) => `${index}-${"x".repeat(2000)}`),
    );
    await create({ format: "csv" });
    at(MONDAY);
    await send();
    expect(await sent()).toEqual([]);
    const [row] = (await api().get("/api/v1/report-schedules")).body["report_schedules"] as Record<string, unknown>[];
    expect(row?.["last_error"]).toMatch(/^the report has \d+ bytes/);
  });

  it("are changed, switched off, run at once and removed; each is in the audit", async () => {
    await seedChannels();
    const { schedule_id } = await create();
    const path = `/api/v1/report-schedules/${String(schedule_id)}`;
    const off = await api().call("PUT", path, { body: { ...weekly, enabled: false } });
    expect(off.body).toMatchObject({ enabled: false, next_at: null });
    at(MONDAY);
    expect(await send()).toBe(0);
    const run = await api().post(`${path}/run`);
    expect([run.status, run.body]).toMatchObject([202, { deliveries: 1, last_at: MONDAY.toISOString() }]);
    await api().post(`${path}/run`);
    expect(await sent()).toHaveLength(2);
    expect((await api().call("DELETE", path)).status).toBe(200);
    expect((await api().post(`${path}/run`)).status).toBe(404);
    const audit = await api().get("/api/v1/audit?action=report-schedules.change");
    const verbs = (audit.body["entries"] as { details: { verb?: string }; outcome: string }[]).map(
      ({ details, outcome }) => details.verb ?? outcome,
    );
    expect(verbs).toEqual(["NOT_FOUND", "remove", "run", "run", "change", "create"]);
  });

  it("with mistakes are refused with all of them, and are for those who may see all", async () => {
    const wrong = { cron: "99 7 * * 1", channel_ids: ["nobody"], scope_kind: "item", scope_id: "x" };
    const refused = await api().post("/api/v1/report-schedules", { ...weekly, ...wrong });
    const paths = (refused.body["fields"] as { path: string }[]).map(({ path }) => path);
    expect([refused.status, paths.sort()]).toEqual([400, ["channel_ids.0", "cron", "scope_id"]]);
    const lost = await api().post("/api/v1/report-schedules", { ...weekly, zone: "Nowhere", channel_ids: ["log"] });
    expect(lost.body["fields"]).toMatchObject([{ path: "zone" }]);
    const agentId = await api().agent();
    const limited = await api().key(["read", "configure"], agentId);
    expect((await api().get("/api/v1/report-schedules", { as: limited })).status).toBe(403);
    const own = { ...weekly, channel_ids: ["log"], scope_kind: "agent", scope_id: agentId };
    expect((await api().post("/api/v1/report-schedules", own, { as: limited })).status).toBe(403);
    const reader = await api().key(["read"]);
    expect((await api().post("/api/v1/report-schedules", own, { as: reader })).status).toBe(403);
    expect((await api().post("/api/v1/report-schedules", own)).status).toBe(201);
  });
});
