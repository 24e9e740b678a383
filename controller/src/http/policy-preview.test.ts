import { expect, it } from "vitest";
import { sidecarOf } from "../services/ingest/test-events.ts";
import { describeApi, START } from "./test-api.ts";
import { seedBackup, seedItem } from "./test-seeds.ts";

describeApi("policies before they are stored", (api) => {
  const policy = (more: object = {}) => ({ name: "nightly", ...more });
  const create = async (more: object = {}) => {
    const made = await api().post("/api/v1/policies", policy(more));
    expect(made.status).toBe(201);
    return made.body as { policy_id: string };
  };

  it("with mistakes are refused with all of them, which can be asked for before", async () => {
    const route = "00000000-0000-4000-8000-00000000aaaa";
    const schedule = { cron: "61 * * * *", zone: "Nowhere" };
    const wrong = policy({
      priority: -1,
      backup: { schedule },
      drill: { mode: "scheduled" },
      route_ids: [route],
      odd: 1,
    });
    const checked = await api().post("/api/v1/policies/check", { policy: wrong });
    const paths = (checked.body["problems"] as { path: string }[]).map(({ path }) => path);
    const expected = ["backup.schedule.cron", "backup.schedule.zone", "drill.schedule", "odd", "priority"];
    expect([checked.status, paths.sort()]).toEqual([200, [...expected, "route_ids.0"].sort()]);
    const made = await api().post("/api/v1/policies", wrong);
    expect(made.status).toBe(400);
    expect((made.body["fields"] as { path: string }[]).map(({ path }) => path).sort()).toEqual(expected);
    const unknown = await api().post("/api/v1/policies", policy({ route_ids: [route] }));
    expect(unknown.body).toMatchObject({ fields: [{ path: "route_ids.0", message: "there is no such route" }] });
    expect((await api().post("/api/v1/policies/check", { policy: policy() })).body).toEqual({ problems: [] });
  });

  it("show before they are stored when they run and what they would have", async () => {
    const { agentId, vmContextId } = await seedItem(api());
    const here = { agent_id: agentId, vm_context_id: vmContextId };
    await api().call("PATCH", `/api/v1/agents/${agentId}`, { body: { labels: { site: "west" } } });
    const first = await create({ selector: { labels: { site: "west" } } });
    const preview = async (body: object) => {
      const reply = await api().post("/api/v1/policies/preview", body);
      expect(reply.status).toBe(200);
      return reply.body;
    };
    const schedule = { cron: "30 2 * * *", zone: "Europe/Berlin" };
    const unknown = { agent_id: agentId, vm_context_id: "gone" };
    const draft = policy({ name: "draft", items: [here, unknown], backup: { schedule } });
    const shown = await preview({ policy: draft, runs: 2, from: "2026-03-28T12:00:00Z", ...here });
    expect(shown).toMatchObject({
      runs: [
        { task: "backup", due_at: "2026-03-29T01:00:00.000Z", local: "2026-03-29 03:00", dst_change: "forward" },
        { local: "2026-03-30 02:30", offset: "+02:00", dst_change: null, closed_by: null },
      ],
      ...{ items: [{ ...here, vm_name: "web", bound_by: "explicit", instead_of: first.policy_id }], items_total: 1 },
      ...{ leaving: [], unknown_items: [unknown] },
    });
    const work = {
      name: "work",
      starts_at: "2026-03-28T00:00:00Z",
      ends_at: "2028-03-28T00:00:00Z",
      suspend_runs: true,
    };
    const announced = { ...work, selector: { vm_names: ["web"] }, reason: "" };
    expect((await api().post("/api/v1/maintenance-windows", announced)).status).toBe(201);
    const closed = { policy: draft, runs: 1, from: "2026-03-28T12:00:00Z" };
    expect(await preview({ ...closed, ...here })).toMatchObject({
      runs: [{ closed_by: "maintenance" }],
      warnings: ["None of the next 100 runs of backup would begin: maintenance leaves them all out."],
    });
    expect(await preview({ ...closed, agent_id: agentId })).toMatchObject({
      runs: [{ closed_by: null }],
      warnings: [],
    });
    const narrowed = { ...policy(), selector: { labels: { site: "east" } } };
    expect(await preview({ policy_id: first.policy_id, policy: narrowed })).toMatchObject({
      ...{ items: [], leaving: [{ ...here, vm_name: "web" }], leaving_total: 1 },
    });
    expect(await preview({ policy_id: first.policy_id })).toMatchObject({ items: [{ instead_of: null }], leaving: [] });
    expect((await api().get("/api/v1/policies")).body["total"]).toBe(1);
    const neither = await api().post("/api/v1/policies/preview", {});
    expect([neither.status, neither.body["fields"]]).toMatchObject([400, [{ path: "policy" }]]);
  });

  it("show what they would remove, and note what was seen when they were stored", async () => {
    const item = await seedItem(api());
    for (const day of [0, 1, 2, 3]) {
      const recordedAt = new Date(START.getTime() + day * 86_400_000);
      const sidecar = sidecarOf("backup-web-000000-disk0-20260215-120000", { created_at: recordedAt.toISOString() });
      await seedBackup(api(), item, day * 1440, { chainNumber: day + 1, recordedAt, sidecar });
    }
    await api().store.write((db) => db.update(db.tables.repositories).set({ state: "ready" }).execute());
    api().clock.now = new Date(START.getTime() + 10 * 86_400_000);
    const body = policy({ selector: {}, retention: { keep_last: 1, min_points: 1 } });
    const shown = await api().post("/api/v1/policies/preview", { policy: body });
    expect(shown.body["retention"]).toMatchObject({
      ...{ removes: 3, keeps: 1, whole: true },
      items: [
        {
          agent_id: item.agentId,
          vm_context_id: item.vmContextId,
          removes: 3,
          keeps: 1,
          waits_for: expect.stringMatching(/more than half/),
        },
      ],
    });
    const { policy_id } = await create(body);
    const versions = await api().get(`/api/v1/policies/${policy_id}/versions`);
    expect(versions.body).toMatchObject({ versions: [{ removal_preview: { removes: 3, keeps: 1 } }] });
    expect((await api().post("/api/v1/policies/preview", { policy_id })).body["retention"]).toMatchObject({
      removes: 3,
    });
  });
});
