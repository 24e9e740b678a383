import { randomUUID } from "node:crypto";
import { beforeEach, expect, it } from "vitest";
import { policyBody } from "../domain/policy/policy-body.ts";
import { recordObservations } from "../services/alerts/observe.ts";
import { workAlerts } from "../services/alerts/work.ts";
import { describeApi, START } from "./test-api.ts";
import { idsOf } from "./test-seeds.ts";

describeApi("routes", (api) => {
  beforeEach(async () => {
    const facts = {
      kind: "smtp",
      config: {},
      canary: false,
      createdAt: START,
      createdBy: "test",
      updatedAt: START,
    } as const;
    for (const [channelId, enabled] of [
      ["mail", true],
      ["chat", false],
    ] as const)
      await api().store.write((db) =>
        db
          .insert(db.tables.channels)
          .values({ ...facts, channelId, name: channelId, enabled })
          .execute(),
      );
  });
  const make = (more: object) => api().post("/api/v1/routes", { channel_ids: ["mail"], ...more });

  it("are made, listed, changed and removed", async () => {
    const made = await make({ name: "all" });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      ...{
        name: "all",
        position: 100,
        match: {},
        channel_ids: ["mail"],
        group_wait_seconds: 30,
        repeat_seconds: 14400,
      },
      ...{ escalate_after_seconds: null, escalate_channel_ids: [], send_resolved: true, enabled: true },
    });
    expect((await make({ name: "all" })).body).toMatchObject({ code: "CONFLICT" });
    const wrong = await make({ name: "x", channel_ids: ["log", "fax"], escalate_after_seconds: 60 });
    expect(idsOf(wrong.body, "fields", "path")).toEqual(["channel_ids.1", "escalate_channel_ids"]);
    const at = `/api/v1/routes/${String(made.body["route_id"])}`;
    const changed = await api().call("PUT", at, { body: { name: "all", channel_ids: ["chat"], repeat_seconds: 0 } });
    expect(changed.body).toMatchObject({ channel_ids: ["chat"], repeat_seconds: 0 });
    expect((await api().get("/api/v1/routes")).body).toMatchObject({ routes: [changed.body], total: 1 });
    expect((await api().call("DELETE", at)).status).toBe(200);
    expect((await api().call("DELETE", at)).status).toBe(404);
  });

  it("that a policy names stay", async () => {
    const routeId = String((await make({ name: "vip" })).body["route_id"]);
    const body = policyBody.parse({ name: "nightly", route_ids: [routeId] });
    const who = { createdAt: START, createdBy: "test", updatedAt: START, updatedBy: "test" };
    const row = { ...who, policyId: randomUUID(), name: "nightly", version: 1, enabled: true, priority: 1, body };
    await api().store.write((db) => db.insert(db.tables.policies).values(row).execute());
    const refused = await api().call("DELETE", `/api/v1/routes/${routeId}`);
    expect(refused.body).toMatchObject({ code: "HAS_DEPENDENTS", details: "nightly" });
    const test = { alert_type: "capacity", policy_id: row.policyId };
    expect((await api().post("/api/v1/routes/test", test)).body).toMatchObject({ route_id: routeId });
  });

  it("foretell who hears of an alert, and when", async () => {
    const agent_id = await api().agent();
    const route = { escalate_after_seconds: 600, escalate_channel_ids: ["chat", "mail"], channel_ids: ["chat", "log"] };
    const made = await make({ name: "bad", position: 1, match: { severities: ["critical"] }, ...route });
    const ask = async (body: object) => (await api().post("/api/v1/routes/test", body)).body;
    expect(await ask({ alert_type: "missed_run", agent_id, subject: `item:${agent_id}/vm` })).toEqual({
      ...{ route_id: made.body["route_id"], route_name: "bad", channel_ids: ["log"], told_after_seconds: 30 },
      ...{
        repeat_seconds: 14_400,
        escalate_after_seconds: 600,
        escalate_channel_ids: ["mail", "log"],
        quiet_until: null,
      },
    });
    expect(await ask({ alert_type: "missed_run", severity: "info" })).toMatchObject({
      ...{ route_id: null, route_name: "without a route", channel_ids: ["log"], escalate_channel_ids: [] },
    });
    const ends_at = new Date(START.getTime() + 60_000).toISOString();
    await api().post("/api/v1/silences", { match: { types: ["missed_run"] }, ends_at, reason: "x" });
    expect(await ask({ alert_type: "missed_run", agent_id })).toMatchObject({ quiet_until: ends_at });
    expect(await api().store.read((db) => db.$count(db.tables.deliveries))).toBe(0);
  });

  it("count from their change on for what is open already", async () => {
    const made = await make({ name: "all", repeat_seconds: 0 });
    const agentId = await api().agent();
    const subject = { kind: "agent", key: `agent:${agentId}`, agentId } as const;
    const work = async (minutes: number) => {
      api().clock.now = new Date(START.getTime() + minutes * 60_000);
      while (await workAlerts(api().context));
      return await api().store.read((db) => db.$count(db.tables.deliveries));
    };
    const seen = [{ subject, type: "agent_offline", state: "firing", message: "away" } as const];
    await api().store.write((db) => recordObservations(db, seen, START));
    expect([await work(0), await work(1), await work(500)]).toEqual([0, 2, 2]);
    const change = { name: "all", channel_ids: ["mail"], repeat_seconds: 3600 };
    await api().call("PUT", `/api/v1/routes/${String(made.body["route_id"])}`, { body: change });
    expect(await work(501)).toBe(4);
  });

  it("are no matter of a key that is limited to one host", async () => {
    const as = await api().key(["read", "configure"], await api().agent());
    const replies = [
      await api().get("/api/v1/routes", { as }),
      await api().post("/api/v1/routes", { name: "x", channel_ids: ["log"] }, { as }),
      await api().call("DELETE", `/api/v1/routes/${randomUUID()}`, { as }),
      await api().post("/api/v1/routes/test", { alert_type: "capacity" }, { as }),
      await api().get("/api/v1/silences", { as }),
    ];
    expect(replies.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    const operator = await api().key(["read", "operate"]);
    expect((await api().post("/api/v1/routes", { name: "x", channel_ids: ["log"] }, { as: operator })).status).toBe(
      403,
    );
  });
});
