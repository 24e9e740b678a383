import { expect, it } from "vitest";
import { SECOND_PERSON } from "../services/approvals/second-person.ts";
import { followPlans } from "../services/retention/follow.ts";
import { retain } from "../services/retention/retain.ts";
import { putSetting } from "../store/settings.ts";
import { describeApi, START } from "./test-api.ts";
import {
  askFor,
  conditionsOf,
  itself,
  planIn,
  seedFulls,
  seedPolicy,
  seedProtected,
  tenFulls,
} from "./test-retention.ts";

const { signal } = new AbortController();

describeApi("a plan that a person decides", (api) => {
  it("what removes more than was approved waits for a person, under one name, until it says yes", async () => {
    const world = await tenFulls(api(), 1);
    const sent = api().connect(world.agentId);
    const first = await retain(api().context, world, itself);
    expect(first).toMatchObject({
      state: "waiting",
      reason: expect.stringMatching(/removes 3: the approved preview showed 1/),
    });
    expect((await retain(api().context, world, itself))?.planId).toBe(first?.planId);
    expect([sent, await conditionsOf(api())]).toEqual([[], ["retention_waiting firing"]]);
    const at = `/api/v1/retention/plans/${first?.planId}`;
    expect((await api().get("/api/v1/retention/plans?state=waiting")).body).toMatchObject({ total: 1 });
    expect((await api().post(`${at}/approve`, { reason: "x" }, { as: await api().key(["operate"]) })).status).toBe(403);
    expect((await api().post(`${at}/approve`, {})).status).toBe(400);
    const approved = await api().post(`${at}/approve`, { reason: "disk is full" });
    expect([approved.status, approved.body]).toMatchObject([202, { state: "applying", decided_by: "token:admin" }]);
    expect(sent).toMatchObject([
      { command: { author: `policy:${world.policyId}`, arguments: { backup_ids: world.old } } },
    ]);
    expect(await conditionsOf(api())).toEqual(["retention_waiting ok"]);
    expect((await api().post(`${at}/reject`, { reason: "x" })).status).toBe(409);
  });

  it("what was approved of other items counts for none, nor do old backups that are only heard of now", async () => {
    const item = await seedProtected(api());
    const ids = await seedFulls(api(), item, 39);
    await seedPolicy(api(), item, { keep_last: 30 }, 500);
    api().connect(item.agentId);
    const { backups: b, policyVersions: v } = await api().store.read(async (db) => db.tables);
    const approve = (itemRemovals: { items: Record<string, number>; others: number }) =>
      api().store.write((db) => db.update(v).set({ itemRemovals }).execute());
    await api().store.write((db) => db.update(b).set({ recordedAt: START }).execute());
    await approve({ items: { "another/vm": 500 }, others: 0 });
    expect(await retain(api().context, item, itself)).toMatchObject({
      ...{ state: "waiting", removeCount: 10 },
      reason: "it removes 10: the approved preview showed 0, and 0 came since the last removal",
    });
    await approve({ items: { [`${item.agentId}/${item.vmContextId}`]: 5 }, others: 0 });
    expect(await retain(api().context, item, itself)).toMatchObject({
      ...{ state: "applying", removals: [{ backup_ids: ids.slice(0, 10) }] },
    });
  });

  it("who may configure and not delete approves of nothing by storing a policy", async () => {
    const item = await seedProtected(api());
    await seedFulls(api(), item, 9);
    api().connect(item.agentId);
    const policy = { name: "short", selector: { labels: {} }, retention: { keep_last: 1, min_points: 1, zone: "UTC" } };
    const as = await api().key(["read", "configure"]);
    const made = await api().post("/api/v1/policies", policy, { as });
    expect(made.status).toBe(201);
    const waiting = /^it removes 9: the approved preview showed 0/;
    expect(await retain(api().context, item, itself)).toMatchObject({ reason: expect.stringMatching(waiting) });
    const { policy_id, version } = made.body;
    const change = (more: object, how = {}) =>
      api().call("PUT", `/api/v1/policies/${policy_id}`, { body: { ...policy, ...more, reason: "" }, ...how });
    expect((await change({ version })).status).toBe(200);
    expect(await retain(api().context, item, itself)).toMatchObject({
      reason: "it removes 9 of 10, more than half",
    });
  });

  it("what a person refused is kept and not asked for again, as long as the policy is the same", async () => {
    const world = await tenFulls(api(), null);
    api().connect(world.agentId);
    const plan = await retain(api().context, world, itself);
    expect(plan).toMatchObject({ state: "waiting", reason: "nobody has seen what this policy removes" });
    const rejected = await api().post(`/api/v1/retention/plans/${plan?.planId}/reject`, { reason: "needed" });
    expect([rejected.status, rejected.body["state"]]).toEqual([200, "rejected"]);
    expect(await retain(api().context, world, itself)).toBeNull();
    const marks = await api().get(`/api/v1/retention/marks?vm_context_id=${world.vmContextId}&mark=keep`);
    expect(marks.body).toMatchObject({ total: 10 });
    expect(JSON.stringify(marks.body)).toContain("token:admin refused its removal: needed");
  });

  it("removals of a policy wait for one; whoever approved the plan is it; who asked is not", async () => {
    await api().store.write((db) => putSetting(db, SECOND_PERSON, ["backup.delete"]));
    const world = await tenFulls(api(), 1);
    const sent = api().connect(world.agentId);
    const asked = planIn((await askFor(api(), world)).body);
    expect(asked).toMatchObject({ state: "waiting", made_by: "token:admin" });
    const at = `/api/v1/retention/plans/${asked["plan_id"]}`;
    expect((await api().post(`${at}/approve`, { reason: "mine" })).status).toBe(403);
    const other = await api().key(["read", "delete"]);
    expect((await api().post(`${at}/approve`, { reason: "seen" }, { as: other })).status).toBe(202);
    expect(sent).toMatchObject([{ command: { author: "token:admin" } }]);
  });

  it("an unguarded plan's command is sent when somebody approved it, and refused for good when not", async () => {
    await api().store.write((db) => putSetting(db, SECOND_PERSON, ["backup.delete"]));
    const world = await tenFulls(api());
    const sent = api().connect(world.agentId);
    const plan = await retain(api().context, world, itself);
    const [commandId = ""] = plan?.commandIds ?? [];
    expect(sent).toEqual([]);
    expect((await api().post(`/api/v1/commands/${commandId}/reject`, { reason: "no" })).status).toBe(200);
    await followPlans(api().context, signal);
    expect((await api().get(`/api/v1/retention/plans/${plan?.planId}`)).body).toMatchObject({ state: "rejected" });
    expect(await retain(api().context, world, itself)).toBeNull();
    expect(await conditionsOf(api())).toEqual([]);
  });
});
