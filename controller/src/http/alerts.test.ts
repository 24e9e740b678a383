import { randomUUID } from "node:crypto";
import { beforeEach, expect, it } from "vitest";
import type { Observation } from "../domain/alert/observation.ts";
import { recordObservations } from "../services/alerts/observe.ts";
import { workAlerts } from "../services/alerts/work.ts";
import type { FeedEntry } from "../services/feed/feed.ts";
import { describeApi, START } from "./test-api.ts";
import { idsOf } from "./test-seeds.ts";

const MINUTE = 60_000;

describeApi("alerts", (api) => {
  let agentId: string;
  let other: string;
  beforeEach(async () => {
    [agentId, other] = [await api().agent("web-host"), await api().agent("db-host")];
  });

  async function see(minutes: number, ...observations: Observation[]): Promise<void> {
    api().clock.now = new Date(START.getTime() + minutes * MINUTE);
    await api().store.write((db) => recordObservations(db, observations, api().clock.now));
    while (await workAlerts(api().context));
  }
  const missed = (id: string, more: Partial<Observation> = {}): Observation => ({
    ...{ subject: { kind: "item", key: `item:${id}/vm`, agentId: id }, type: "missed_run", state: "firing" },
    ...{ message: "the backup of vm was not made", evidence: { due_at: "03:00" }, ...more },
  });
  const restore = (id: string): Observation =>
    missed(id, { subject: { kind: "backup", key: `backup:${id}/b-1`, agentId: id }, type: "restore_failure" });

  it("are listed by host, state, severity and type, and told with the fields that clients know", async () => {
    await see(0, missed(agentId), missed(other), missed(agentId, { type: "hung_run" }));
    await see(1, missed(other, { state: "ok", message: "it ran" }));
    const all = await api().get("/api/v1/alerts");
    expect(all.status).toBe(200);
    expect(all.body).toMatchObject({ total: 3, next_cursor: null });
    for (const [query, count] of [
      [`agent_id=${agentId}`, 2],
      ["state=open", 2],
      ["state=resolved", 1],
      ["severity=critical", 2],
      ["type=hung_run", 1],
      [`agent_id=${agentId}&severity=critical`, 1],
    ])
      expect([query, idsOf((await api().get(`/api/v1/alerts?${query}`)).body, "alerts", "alert_id").length]).toEqual([
        query,
        count,
      ]);
    const first = await api().get("/api/v1/alerts?limit=2");
    const second = await api().get(`/api/v1/alerts?limit=2&cursor=${String(first.body["next_cursor"])}`);
    const ids = [first, second].flatMap(({ body }) => idsOf(body, "alerts", "alert_id"));
    expect(ids).toEqual(idsOf(all.body, "alerts", "alert_id"));
    const [resolved] = idsOf((await api().get("/api/v1/alerts?state=resolved")).body, "alerts", "alert_id");
    expect((await api().get(`/api/v1/alerts/${String(resolved)}`)).body).toEqual({
      ...{ alert_id: resolved, alert_type: "missed_run", severity: "critical", state: "resolved", resolved: true },
      ...{ message: "the backup of vm was not made", evidence: { due_at: "03:00" } },
      ...{ subject: `item:${other}/vm`, subject_kind: "item", agent_id: other, vm_context_id: "vm" },
      ...{ location_id: null, backup_id: null, policy_id: null, caused_by: null, inhibited_by: null },
      ...{ created_at: "2026-02-15T12:00:00.000Z", changed_at: "2026-02-15T12:00:00.000Z" },
      ...{ resolved_at: "2026-02-15T12:01:00.000Z", resolved_reason: "it ran" },
      ...{ acknowledged_at: null, acknowledged_by: null, escalated_at: null, last_notified_at: null },
      ...{ notified_count: 0, notes: [], deliveries: [] },
    });
  });

  it("are acknowledged once, noted, and tell who was told", async () => {
    const seen: FeedEntry[] = [];
    const watched = new AbortController();
    const watching = (async () => {
      const request = { after: 0, agentId: null, signal: watched.signal };
      for await (const entry of api().context.feed.subscribe(request)) seen.push(entry);
    })();
    await see(0, missed(agentId));
    await see(1);
    const [id] = idsOf((await api().get("/api/v1/alerts")).body, "alerts", "alert_id");
    const at = `/api/v1/alerts/${String(id)}`;
    expect((await api().post(`${at}/acknowledge`, { note: "on my way" })).body).toMatchObject({
      acknowledged_at: "2026-02-15T12:01:00.000Z",
      acknowledged_by: "token:admin",
    });
    await see(2);
    expect((await api().post(`${at}/acknowledge`, {})).body).toMatchObject({
      acknowledged_at: "2026-02-15T12:01:00.000Z",
    });
    const note = await api().post(`${at}/notes`, { text: "the disk is full" });
    expect(note.status).toBe(201);
    const { body } = await api().get(at);
    expect(body["notes"]).toEqual([expect.objectContaining({ text: "on my way", author: "token:admin" }), note.body]);
    expect(body["deliveries"]).toMatchObject([{ channel_id: "log", kind: "alert", state: "waiting", route_id: null }]);
    await see(3, missed(agentId, { state: "ok" }));
    expect((await api().get(at)).body["deliveries"]).toMatchObject([{ kind: "resolved" }, { kind: "alert" }]);
    const late = await api().post(`${at}/acknowledge`, {});
    expect([late.status, late.body["code"]]).toEqual([409, "CONFLICT"]);
    await expect
      .poll(() => seen.map(({ kind }) => kind))
      .toEqual(["alert_opened", "alert_acknowledged", "alert_resolved"]);
    expect(seen[0]).toMatchObject({ cursor: null, agentId, subject: id, body: { alert_type: "missed_run" } });
    watched.abort();
    await watching;
  });

  it("are resolved by a person only where they cannot resolve themselves", async () => {
    await see(0, missed(agentId), restore(agentId));
    await see(1);
    const idOf = async (type: string) =>
      String(idsOf((await api().get(`/api/v1/alerts?type=${type}`)).body, "alerts", "alert_id")[0]);
    const refused = await api().post(`/api/v1/alerts/${await idOf("missed_run")}/resolve`, { reason: "enough" });
    expect([refused.status, refused.body["code"]]).toEqual([422, "CANNOT_BE_DONE"]);
    const at = `/api/v1/alerts/${await idOf("restore_failure")}`;
    const done = await api().post(`${at}/resolve`, { reason: "it was the scratch disk" });
    expect(done.body).toMatchObject({ resolved: true, resolved_reason: expect.stringMatching(/scratch disk/) });
    expect((await api().get(at)).body).toMatchObject({ deliveries: [{ kind: "resolved" }, { kind: "alert" }] });
    expect((await api().post(`${at}/resolve`, { reason: "again" })).status).toBe(409);
    await see(2, restore(agentId));
    expect((await api().get("/api/v1/alerts?type=restore_failure&state=open")).body["total"]).toBe(1);
  });

  it("of other hosts, and of none, are not there for a key that is limited to one", async () => {
    const own: Observation = missed(agentId, {
      subject: { kind: "controller", key: "controller:self", agentId: null },
    });
    await see(0, missed(agentId), missed(other), own);
    const as = await api().key(["read", "operate"], agentId);
    const mine = await api().get("/api/v1/alerts", { as });
    expect(mine.body["alerts"]).toMatchObject([{ agent_id: agentId }]);
    expect((await api().get(`/api/v1/alerts?agent_id=${other}`, { as })).status).toBe(403);
    const all = (await api().get("/api/v1/alerts")).body["alerts"] as { alert_id: string; agent_id: string | null }[];
    for (const { alert_id, agent_id } of all) {
      const expected = agent_id === agentId ? [200, 200] : [404, 404];
      const read = await api().get(`/api/v1/alerts/${alert_id}`, { as });
      const acknowledged = await api().post(`/api/v1/alerts/${alert_id}/acknowledge`, {}, { as });
      expect([read.status, acknowledged.status]).toEqual(expected);
    }
    const reader = await api().key(["read"]);
    expect((await api().post(`/api/v1/alerts/${randomUUID()}/acknowledge`, {}, { as: reader })).status).toBe(403);
  });

  it("are silenced for a while, and not by a silence of everything", async () => {
    const ends_at = new Date(START.getTime() + 60 * MINUTE).toISOString();
    const wrong = await api().post("/api/v1/silences", {
      match: { types: [] },
      ends_at: START.toISOString(),
      reason: "x",
    });
    expect(idsOf(wrong.body, "fields", "path")).toEqual(["match", "ends_at"]);
    const match = { agent_ids: [agentId] };
    const made = await api().post("/api/v1/silences", { match, ends_at, reason: "new disks" });
    expect(made.body).toMatchObject({ match, active: true, ends_at, created_by: "token:admin", ended_at: null });
    await see(0, missed(agentId));
    await see(5);
    const deliveries = () => api().store.read((db) => db.$count(db.tables.deliveries));
    expect(await deliveries()).toBe(0);
    const at = `/api/v1/silences/${String(made.body["silence_id"])}`;
    const limited = await api().key(["operate"], other);
    expect((await api().post(`${at}/end`, undefined, { as: limited })).status).toBe(403);
    expect((await api().post("/api/v1/silences", { match, ends_at, reason: "x" }, { as: limited })).status).toBe(403);
    expect((await api().post(`${at}/end`)).body).toMatchObject({ active: false });
    expect((await api().get("/api/v1/silences")).body["silences"]).toMatchObject([
      { active: false, reason: "new disks" },
    ]);
    const listed = async (ended: boolean) => (await api().get(`/api/v1/silences?ended=${ended}`)).body["total"];
    expect([await listed(true), await listed(false)]).toEqual([1, 0]);
    await see(6);
    expect(await deliveries()).toBe(1);
    const own = { match: { agent_ids: [other] }, ends_at, reason: "x" };
    expect((await api().post("/api/v1/silences", own, { as: limited })).status).toBe(201);
  });
});
