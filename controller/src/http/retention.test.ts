import { eq } from "drizzle-orm";
import { expect, it } from "vitest";
import { followPlans } from "../services/retention/follow.ts";
import { retain } from "../services/retention/retain.ts";
import { describeApi, START } from "./test-api.ts";
import type { Json } from "./test-client.ts";
import {
  answerRemovals,
  askFor,
  conditionsOf,
  itself,
  planIn,
  seedFulls,
  seedProtected,
  tenFulls,
} from "./test-retention.ts";

const { signal } = new AbortController();

describeApi("retention", (api) => {
  it("previews exactly what it does, and does it by a command with explicit ids", async () => {
    const world = await tenFulls(api());
    const sent = api().connect(world.agentId);
    const preview = await api().post("/api/v1/retention/preview", { policy_id: world.policyId });
    const [item] = preview.body["items"] as { marks: { backup_id: string; mark: string }[] }[];
    const going = item?.marks.filter(({ mark }) => mark === "remove").map(({ backup_id }) => backup_id);
    expect([preview.status, preview.body]).toMatchObject([
      200,
      { removes: 3, keeps: 7, is_whole: true, items: [{ waits_for: null, summary: { points: 10, remove: 3 } }] },
    ]);
    expect(sent).toEqual([]);
    const applied = await askFor(api(), world);
    expect([applied.status, planIn(applied.body)]).toMatchObject([
      202,
      {
        state: "applying",
        removes: 3,
        made_by: "token:admin",
        removals: [{ repository_id: "main", backup_ids: world.old }],
      },
    ]);
    expect(going?.toSorted()).toEqual(world.old);
    expect(sent).toMatchObject([
      { command: { kind: "backup.delete", author: "token:admin", arguments: { backup_ids: world.old } } },
    ]);
    const marks = await api().get(`/api/v1/retention/marks?agent_id=${world.agentId}&mark=remove`);
    expect(marks.body).toMatchObject({ total: 3 });
    expect((marks.body["marks"] as Json[])[0]).toMatchObject({
      reasons: [{ rule: "none", text: "no rule keeps it: the newest 7; at least 2", until: null }],
    });
    expect(planIn((await askFor(api(), world)).body)).toEqual(planIn(applied.body));
    await answerRemovals(api(), world.agentId, (ids) => ({ removed: ids, refusal: null }));
    expect(await followPlans(api().context, signal)).toBe(1);
    const done = await api().get(`/api/v1/retention/plans/${planIn(applied.body)["plan_id"]}`);
    expect(done.body).toMatchObject({ state: "applied", left_ids: [] });
    expect((await askFor(api(), world)).body).toEqual({ plan: null });
    expect((await api().get("/api/v1/commands?kind=backup.delete")).body).toMatchObject({ total: 1 });
  });

  it("of a policy that does not exist yet: the items that it would have, which nobody waits for", async () => {
    const { agentId, vmContextId } = await tenFulls(api());
    const other = await seedProtected(api(), "db");
    const policy = { name: "new", selector: { labels: {} }, retention: { keep_days: 1, min_points: 4 } };
    await seedFulls(api(), other, 5);
    const preview = await api().post("/api/v1/retention/preview", { policy });
    // The other one is named by its policy, which goes before a selector.
    expect(preview.body).toMatchObject({ removes: 2, keeps: 4, items: [{ agent_id: other.agentId }] });
    const own = await api().post("/api/v1/retention/preview", { agent_id: agentId, vm_context_id: vmContextId });
    expect(own.body).toMatchObject({ removes: 3, items: [{ vm_context_id: vmContextId }] });
    const stranger = await api().key(["read"], other.agentId);
    expect((await api().post("/api/v1/retention/preview", { agent_id: agentId }, { as: stranger })).status).toBe(403);
    expect((await askFor(api(), other)).body).toMatchObject({ code: "CANNOT_BE_DONE" });
    expect((await askFor(api(), other, stranger)).status).toBe(403);
    const plans = await api().get("/api/v1/retention/plans");
    expect(plans.body).toMatchObject({ total: 0 });
  });

  it("what its host cannot remove is tried once more chain by chain; then it is told, and left alone for hours", async () => {
    const world = await tenFulls(api());
    api().connect(world.agentId);
    await retain(api().context, world, itself);
    const stuck = world.old[1] ?? "";
    const answer = (ids: string[]) =>
      ids.includes(stuck) ? { removed: [], refusal: "too young for this host" } : { removed: ids, refusal: null };
    expect(await answerRemovals(api(), world.agentId, answer)).toEqual([world.old]);
    api().clock.now = new Date(START.getTime() + 60_000);
    await followPlans(api().context, signal);
    expect(await conditionsOf(api())).toEqual([]);
    expect(await answerRemovals(api(), world.agentId, answer)).toEqual(
      expect.arrayContaining(world.old.map((id) => [id])),
    );
    await followPlans(api().context, signal);
    expect(await conditionsOf(api())).toEqual(["retention_failed firing"]);
    const failed = await api().get("/api/v1/retention/plans?state=failed&limit=1");
    expect(failed.body["plans"]).toMatchObject([{ left_ids: [stuck], error: { message: "too young for this host" } }]);
    expect(await retain(api().context, world, itself)).toBeNull();
    api().clock.now = new Date(START.getTime() + 7 * 3_600_000);
    expect(await retain(api().context, world, itself)).toMatchObject({ state: "applying", removeCount: 1 });
    await answerRemovals(api(), world.agentId, (ids) => ({ removed: ids, refusal: null }));
    await followPlans(api().context, signal);
    expect(await conditionsOf(api())).toEqual(["retention_failed ok"]);
  });

  it("what the host said that it keeps by itself is not asked for, and the preview says so", async () => {
    const world = await tenFulls(api());
    api().connect(world.agentId);
    const look = async () => (await api().post("/api/v1/retention/preview", { policy_id: world.policyId })).body;
    expect(await look()).toMatchObject({ removes: 3, items: [{ host_floor: null }] });
    const info = { floor: { min_points: 9, min_age_days: 7 } };
    await api().store.write((db) => db.update(db.tables.agents).set({ info }).execute());
    const preview = await look();
    expect(preview).toMatchObject({ removes: 1, items: [{ host_floor: info.floor }] });
    expect(JSON.stringify(preview)).toContain("its host keeps at least 9");
    expect(planIn((await askFor(api(), world)).body)).toMatchObject({ removals: [{ backup_ids: [world.old[0]] }] });
  });

  it("two that look at the same item at a time make one plan and one command", async () => {
    const world = await tenFulls(api());
    const sent = api().connect(world.agentId);
    const plans = await Promise.all([1, 2, 3].map(() => retain(api().context, world, itself)));
    expect(new Set(plans.map((plan) => plan?.planId)).size).toBe(1);
    expect(sent).toHaveLength(1);
  });

  it("a host that left before it heard of its removals has not failed", async () => {
    const world = await tenFulls(api());
    api().connect(world.agentId);
    const plan = await retain(api().context, world, itself);
    api().links.disconnect(world.agentId, { code: "X", message: "", retryAfterSeconds: null });
    const links = { isConnected: () => false };
    await api().store.write((db) => db.update(db.tables.commands).set({ state: "expired" }).execute());
    await followPlans({ ...api().context, links }, signal);
    const { body } = await api().get(`/api/v1/retention/plans/${plan?.planId}`);
    expect(body).toMatchObject({ state: "superseded", reason: "its host was away", left_ids: world.old });
    expect(await conditionsOf(api())).toEqual([]);
  });

  it("a host that is away: nothing is ordered, what a person asked for waits, and is thought of again then", async () => {
    const world = await tenFulls(api());
    expect(await retain(api().context, world, itself)).toBeNull();
    const asked = await askFor(api(), world);
    expect(planIn(asked.body)).toMatchObject({ state: "approved", command_ids: [] });
    await api().store.write((db) => {
      const { backups: b } = db.tables;
      return db
        .update(b)
        .set({ pinned: true })
        .where(eq(b.backupId, world.old[0] ?? ""))
        .execute();
    });
    const sent = api().connect(world.agentId);
    await retain(api().context, world, itself);
    expect(sent).toMatchObject([{ command: { author: "token:admin", arguments: { backup_ids: world.old.slice(1) } } }]);
  });

  it("an unlisted repository, an unwritten sidecar, a disabled policy: nothing goes", async () => {
    const world = await tenFulls(api());
    api().connect(world.agentId);
    const { backups: b, repositories: r, policies: p } = await api().store.read(async (db) => db.tables);
    const sidecars = await api().store.read((db) => db.select({ sidecar: b.sidecar }).from(b).limit(1));
    for (const [spoil, mend] of [
      [
        () => api().store.write((db) => db.update(r).set({ state: "absent" }).execute()),
        () => api().store.write((db) => db.update(r).set({ state: "ready" }).execute()),
      ],
      [
        () => api().store.write((db) => db.update(b).set({ sidecar: null }).execute()),
        () =>
          api().store.write((db) =>
            db
              .update(b)
              .set({ sidecar: sidecars[0]?.sidecar ?? null })
              .execute(),
          ),
      ],
      [
        () => api().store.write((db) => db.update(p).set({ enabled: false }).execute()),
        () => api().store.write((db) => db.update(p).set({ enabled: true }).execute()),
      ],
    ] as const) {
      await spoil();
      expect(await retain(api().context, world, itself)).toBeNull();
      await mend();
    }
    expect(await retain(api().context, world, itself)).toMatchObject({ state: "applying" });
  });
});
