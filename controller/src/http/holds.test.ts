import { eq } from "drizzle-orm";
import { expect, it } from "vitest";
import { revokeAgent } from "../store/agents.ts";
import { putSetting } from "../store/settings.ts";
import { describeApi, START } from "./test-api.ts";
import { askFor, planIn, seedPoints, seedPolicy, seedProtected, tenFulls } from "./test-retention.ts";
import type { Seeded } from "./test-seeds.ts";

describeApi("holds", (api) => {
  const hold = ({ agentId, vmContextId }: Seeded, more: object = {}) =>
    api().post("/api/v1/holds", { agent_id: agentId, vm_context_id: vmContextId, reason: "a lawsuit", ...more });

  it("keep from retention and from people, and end what was asked for before", async () => {
    const world = await tenFulls(api());
    const [first = "", second = ""] = world.old;
    const asked = await api().call("DELETE", `/api/v1/backup/${first}`);
    const made = await hold(world, { backup_id: first });
    expect([made.status, made.body]).toMatchObject([201, { kind: "legal", until: null, removals_under_way: [] }]);
    expect((await api().get(`/api/v1/commands/${asked.body["command_id"]}`)).body).toMatchObject({
      state: "cancelled",
    });
    const refused = await api().call("DELETE", `/api/v1/backup/${first}`);
    expect([refused.status, refused.body["details"]]).toEqual([409, "held: a lawsuit"]);
    const sent = api().connect(world.agentId);
    expect(planIn((await askFor(api(), world)).body)).toMatchObject({ removes: 2 });
    const whole = await hold(world);
    expect(whole.body["removals_under_way"]).toHaveLength(1);
    expect(sent.map(({ type }) => type)).toEqual(["command", "cancel"]);
    expect((await api().call("DELETE", `/api/v1/backup/${second}`)).status).toBe(409);
  });

  it("a legal one is let go by an admin, a promise by nobody before its end", async () => {
    const world = await tenFulls(api());
    const until = new Date(START.getTime() + 86_400_000).toISOString();
    const legal = String((await hold(world)).body["hold_id"]);
    const promise = String((await hold(world, { kind: "immutable", until })).body["hold_id"]);
    const release = (id: string, as?: string) =>
      api().post(`/api/v1/holds/${id}/release`, { reason: "over" }, as === undefined ? {} : { as });
    expect((await release(legal, await api().key(["operate", "delete"]))).status).toBe(403);
    expect((await release(promise)).body).toMatchObject({ code: "PROTECTED" });
    expect((await release(legal)).body).toMatchObject({ released_by: "token:admin", release_reason: "over" });
    expect((await release(legal)).status).toBe(409);
    api().connect(world.agentId);
    expect((await askFor(api(), world)).body).toEqual({ plan: null });
    const open = await api().get("/api/v1/holds?released=false");
    expect(open.body).toMatchObject({ total: 1, holds: [{ hold_id: promise }] });
    api().clock.now = new Date(START.getTime() + 2 * 86_400_000);
    expect(planIn((await askFor(api(), world)).body)).toMatchObject({ removes: 3 });
    expect((await release(promise)).status).toBe(200);
  });

  it("are refused without an end where they promise, with one that is over, and on what is not there", async () => {
    const world = await tenFulls(api());
    const refusals: [object, number][] = [
      [{ kind: "immutable" }, 400],
      [{ until: "2020-01-01T00:00:00Z" }, 400],
      [{ backup_id: "backup-web-disk0-20200101-000000" }, 404],
      [{ vm_context_id: "nothing" }, 404],
    ];
    for (const [more, status] of refusals) expect((await hold(world, more)).status).toBe(status);
    const stranger = await api().key(["operate", "read"], await api().agent("other"));
    const item = { agent_id: world.agentId, vm_context_id: world.vmContextId, reason: "x" };
    expect((await api().post("/api/v1/holds", item, { as: stranger })).status).toBe(404);
    expect((await api().get("/api/v1/holds")).body).toMatchObject({ total: 0 });
  });

  it("stay when the host is enrolled anew, as another agent with the same backups", async () => {
    const world = await tenFulls(api());
    const [first = "", second = ""] = world.old;
    await hold(world, { backup_id: first });
    const anew = await seedProtected(api(), "db");
    const moved = { agentId: anew.agentId };
    await api().store.write(async (db) => {
      const { backups: b, itemPolicies: p } = db.tables;
      await db.update(b).set(moved).where(eq(b.agentId, world.agentId));
      await db.update(p).set(moved).where(eq(p.agentId, world.agentId));
    });
    const item = { agentId: anew.agentId, vmContextId: world.vmContextId };
    const marks = async () => {
      const { agentId: agent_id, vmContextId: vm_context_id } = item;
      const { body } = await api().post("/api/v1/retention/preview", { agent_id, vm_context_id });
      return body["removes"];
    };
    expect(await marks()).toBe(2);
    expect((await api().call("DELETE", `/api/v1/backup/${first}`)).status).toBe(409);
    // The item itself is still there by its old name.
    expect((await hold(world)).status).toBe(201);
    expect(await marks()).toBe(2);
    await api().store.write((db) => revokeAgent(db, world.agentId));
    expect(await marks()).toBe(0);
    expect((await api().call("DELETE", `/api/v1/backup/${second}`)).status).toBe(409);
  });

  it("end by no clock that is not believed: neither by one that jumped ahead, nor against the host's own", async () => {
    const world = await tenFulls(api());
    const [first = "", second = ""] = world.old;
    const until = new Date(START.getTime() + 86_400_000).toISOString();
    const promise = String((await hold(world, { kind: "immutable", until, backup_id: first })).body["hold_id"]);
    await hold(world, { until, backup_id: second });
    const clock = (at: Date) => ({ at, suspect: null, believedAt: at });
    await api().store.write((db) => putSetting(db, "retention_clock", clock(START)));
    const kept = async () => [
      (await api().post(`/api/v1/holds/${promise}/release`, { reason: "over" })).status,
      (await api().call("DELETE", `/api/v1/backup/${first}`)).status,
      (await api().call("DELETE", `/api/v1/backup/${second}`)).status,
      (await api().post("/api/v1/retention/preview", { policy_id: world.policyId })).body["removes"],
    ];
    // Asked in the very moment, before anybody has looked at the clock again; and back, with it.
    api().clock.now = new Date(START.getTime() + 200 * 86_400_000);
    expect(await kept()).toEqual([409, 409, 409, 1]);
    api().clock.now = new Date(START.getTime() - 2 * 86_400_000);
    expect((await kept()).slice(0, 3)).toEqual([409, 409, 409]);
    // A clock that is believed, and a host that says that the day has not come.
    api().clock.now = new Date(START.getTime() + 2 * 86_400_000);
    await api().store.write((db) => putSetting(db, "retention_clock", clock(api().clock.now)));
    const offset = (clockOffsetMs: number) =>
      api().store.write((db) => db.update(db.tables.agents).set({ clockOffsetMs }).execute());
    await offset(-1.5 * 86_400_000);
    expect(await kept()).toEqual([409, 409, 409, 1]);
    await offset(-3_600_000);
    expect(await kept()).toEqual([200, 202, 202, 1]);
  });

  it("a removal that was asked for before the promise is looked at again on its way to the host", async () => {
    const world = await tenFulls(api());
    const [first = ""] = world.old;
    const asked = await api().call("DELETE", `/api/v1/backup/${first}`);
    const { policies: p } = await api().store.read(async (db) => db.tables);
    const [row] = await api().store.read((db) => db.select().from(p));
    const body =
      row === undefined ? undefined : { ...row.body, retention: { ...row.body.retention, immutable_days: 30 } };
    await api().store.write((db) => db.update(p).set({ body }).execute());
    const sent = api().connect(world.agentId);
    await api().context.delivery.queued(world.agentId);
    expect(sent).toEqual([]);
    expect((await api().get(`/api/v1/commands/${asked.body["command_id"]}`)).body).toMatchObject({
      state: "refused",
      error: { code: "PROTECTED", message: expect.stringMatching(/must stay: it is immutable until .* by its policy/) },
    });
  });

  it("a policy's own promise binds people too", async () => {
    const item = await seedProtected(api());
    const points = [9, 3, 1].map((daysAgo, index) => ({ daysAgo, chain: index + 1 }));
    const ids = await seedPoints(api(), item, points);
    await seedPolicy(api(), item, { keep_last: 1, immutable_days: 7 });
    const young = await api().call("DELETE", `/api/v1/backup/${ids[1]}`);
    expect(young.body["details"]).toMatch(/^immutable until 2026-02-19/);
    expect((await api().call("DELETE", `/api/v1/backup/${ids[0]}`)).status).toBe(202);
  });
});
