import { expect, it } from "vitest";
import { keepHealth } from "../services/health/keep-health.ts";
import { refreshTasks } from "../services/health/view-task.ts";
import { describeApi, START, type TestApi } from "./test-api.ts";
import {
  idsOf,
  type Seeded,
  seedBackup,
  seedDrill,
  seedItem,
  seedRun,
  seedTask,
  seedVerification,
} from "./test-seeds.ts";

const hours = (count: number) => new Date(START.getTime() + count * 3_600_000);

/** A whole restore point of both disks, proven. */
async function seedProven(api: TestApi, item: Seeded, repositoryId = "main", minute = -600) {
  for (const diskId of [0, 1]) {
    const backupId = await seedBackup(api, item, minute + diskId, { diskId, repositoryId });
    await seedVerification(api, item.agentId, backupId, "passed", minute + 10);
    await seedDrill(api, item.agentId, backupId, "passed", minute + 20);
  }
}

describeApi("health and compliance", (api) => {
  it("tells what items, hosts and the fleet are worth, and lists items by it", async () => {
    const [web, mail] = [await seedItem(api(), "web"), await seedItem(api(), "mail")];
    await seedProven(api(), web);
    await seedRun(api(), web, "run-20260215-020000-backup-00000000", "completed");
    await api().store.write((db) =>
      db
        .update(db.tables.executions)
        .set({ endedAt: hours(-10) })
        .execute(),
    );
    await keepHealth(1)(api().context);
    const one = await api().get(`/api/v1/health/items/${web.agentId}/${web.vmContextId}`);
    expect(one.body).toMatchObject({
      ...{
        vm_context_id: web.vmContextId,
        name: "web",
        score: 1,
        band: "good",
        proven: true,
        measured: true,
        trend: null,
      },
      parts: {
        backup: { rate: 1, successful: 1, total: 1 },
        verification: { rate: 1, passed: 2, total: 2 },
        restore_test: { rate: 1, passed: 2, total: 2 },
      },
      rpo: { target_seconds: null, newest_good_at: "2026-02-15T02:00:00.000Z", age_seconds: 36_000, ok: null },
      rto: { median_seconds: 1.5, worst_seconds: 1.5, drills: 2, ok: null },
      compliant: false,
    });
    const list = async (query: string) =>
      idsOf((await api().get(`/api/v1/health/items${query}`)).body, "items", "name");
    expect((await list("")).toSorted()).toEqual(["mail", "web"]);
    expect(await list("?band=good")).toEqual(["web"]);
    expect(await list(`?agent_id=${mail.agentId}`)).toEqual(["mail"]);
    expect(await list("?compliant=true")).toEqual([]);
    const first = await api().get("/api/v1/health/items?limit=1");
    expect(await list(`?cursor=${first.body["next_cursor"]}`)).toHaveLength(1);
    const items = { total: 2, good: 1, warning: 0, critical: 1, compliant: 0, unproven: 1 };
    expect((await api().get("/api/v1/health")).body).toMatchObject({ score: 1, proven: false, items });
    expect((await api().get(`/api/v1/health/agents/${mail.agentId}`)).body).toMatchObject({
      ...{ score: 0, band: "critical", proven: false, items: { total: 1 } },
    });
    const daily = await api().get(`/api/v1/health/daily?scope=item&id=${web.agentId}/${web.vmContextId}&days=1`);
    expect(daily.body["metrics"]).toEqual([
      {
        ...{ id: `item:${web.agentId}/${web.vmContextId}:2026-02-15`, location_id: null, scope: "item" },
        ...{ scope_id: `${web.agentId}/${web.vmContextId}`, metric_date: "2026-02-15", total_backups: 1 },
        ...{ successful_backups: 1, failed_backups: 0, total_size_bytes: 2000, verification_success_rate: 1 },
        ...{ restore_test_success_rate: 1, health_score: 1 },
      },
    ]);
    const asked = async (query: string) => (await api().get(`/api/v1/health/daily${query}`)).status;
    const bad = ["agent", `fleet&id=${web.agentId}`, "location&id=x", "item&id=x", "aomei&id=x"];
    for (const query of bad) expect([query, await asked(`?scope=${query}`)]).toEqual([query, 400]);
    for (const query of [`item&id=${web.agentId}/no`, "aomei&id=8"])
      expect([query, await asked(`?scope=${query}`)]).toEqual([query, 404]);
  });

  it("says that nothing is known before it says that anything is bad", async () => {
    expect((await api().get("/api/v1/health")).body).toMatchObject({
      ...{ score: 0, band: null, proven: false, measured: false, trend: null, items: { total: 0, critical: 0 } },
    });
    const { agentId, vmContextId } = await seedItem(api());
    await keepHealth(1)(api().context);
    const unknown = { score: 0, band: "critical", proven: false, measured: false, trend: null };
    expect((await api().get("/api/v1/health")).body).toMatchObject({ ...unknown, items: { total: 1 } });
    expect((await api().get(`/api/v1/health/items/${agentId}/${vmContextId}`)).body).toMatchObject(unknown);
    const { agents } = await api().store.read(async ({ tables }) => tables);
    await api().store.write((db) => db.update(agents).set({ state: "revoked" }).execute());
    await keepHealth(1)(api().context);
    expect((await api().get("/api/v1/health")).body).toMatchObject({ band: null, items: { total: 0 } });
    expect((await api().get("/api/v1/health/items")).body["items"]).toEqual([]);
  });

  it("shows a credential of one agent its own figures only", async () => {
    const [web, mail] = [await seedItem(api(), "web"), await seedItem(api(), "mail")];
    await seedTask(api(), mail.agentId);
    await keepHealth(1)(api().context);
    const as = await api().key(["read"], web.agentId);
    const status = async (path: string) => (await api().get(path, { as })).status;
    expect(idsOf((await api().get("/api/v1/health/items", { as })).body, "items", "name")).toEqual(["web"]);
    expect(await status("/api/v1/health")).toBe(403);
    expect(await status("/api/v1/health/daily")).toBe(403);
    expect(await status(`/api/v1/health/agents/${mail.agentId}`)).toBe(404);
    expect(await status(`/api/v1/health/items/${mail.agentId}/${mail.vmContextId}`)).toBe(403);
    expect(await status(`/api/v1/health/daily?scope=item&id=${mail.agentId}/${mail.vmContextId}`)).toBe(404);
    expect(await status("/api/v1/health/daily?scope=aomei&id=7")).toBe(404);
    expect(await status("/api/v1/health/aomei/7")).toBe(404);
    expect(await status(`/api/v1/compliance/${mail.agentId}/${mail.vmContextId}`)).toBe(403);
    expect(await status(`/api/v1/health/daily?scope=agent&id=${web.agentId}`)).toBe(200);
  });

  it("answers 3-2-1-1-0 with its evidence, by what people say of the repositories, and tries changes out", async () => {
    const web = await seedItem(api(), "web");
    const vault = { agent_id: web.agentId, repository_id: "vault", path: "/backup/vault" };
    expect((await api().post("/api/v1/repositories", vault)).status).toBe(201);
    await seedProven(api(), web);
    await seedProven(api(), web, "vault", -300);
    const at = `/api/v1/compliance/${web.agentId}/${web.vmContextId}`;
    const digits = (body: Record<string, unknown>) =>
      (body["digits"] as { counted: number; holds: boolean }[])
        .map(({ counted, holds }) => (holds ? counted : `(${counted})`))
        .join("-");
    const before = await api().get(at);
    expect(before.body).toMatchObject({ compliant: false, source_counts: true, true_until: null });
    expect(digits(before.body)).toBe("3-(1)-(0)-(0)-0");
    const move = { change: "move", copy: "vault", media: "tape", off_site: true, offline: true };
    const tried = await api().post(`${at}/what-if`, { changes: [move] });
    expect(digits(tried.body)).toBe("3-2-1-1-0");
    expect((await api().post(`${at}/what-if`, { changes: [move, { change: "age", days: 7 }] })).body["compliant"]).toBe(
      false,
    );
    const unknown = await api().post(`${at}/what-if`, { changes: [{ change: "remove", copy: "attic" }] });
    expect(unknown.status).toBe(400);
    expect(unknown.body["fields"]).toMatchObject([{ path: "changes.0.copy" }]);
    expect(digits((await api().get(at)).body)).toBe("3-(1)-(0)-(0)-0");
    const traits = `/api/v1/repositories/${web.agentId}/vault/traits`;
    expect((await api().get(traits)).body).toMatchObject({
      media: "disk",
      off_site: false,
      set_at: null,
      set_by: null,
    });
    const described = { media: "tape", off_site: true, offline: true, immutable: false };
    const as = await api().key(["read"]);
    expect((await api().call("PUT", traits, { body: described, as })).status).toBe(403);
    expect((await api().call("PUT", traits, { body: described })).body).toMatchObject({
      ...described,
      set_by: "token:admin",
    });
    const after = await api().get(at);
    expect(digits(after.body)).toBe("3-2-1-1-0");
    // The older of the two copies ends first.
    expect(after.body).toMatchObject({ compliant: true, true_until: "2026-02-22T02:00:00.000Z" });
    await keepHealth(1)(api().context);
    expect(idsOf((await api().get("/api/v1/health/items?compliant=true")).body, "items", "name")).toEqual(["web"]);
  });

  it("counts AOMEI's copies and never calls them proven", async () => {
    const agentId = await api().agent();
    await seedTask(api(), agentId);
    await refreshTasks(api().context);
    expect((await api().get("/api/v1/health/aomei/7")).body).toMatchObject({
      ...{ job_id: 7, vm_context_id: null, score: 0.25, band: "critical", proven: false },
      parts: { backup: { successful: 1, total: 2 }, verification: { rate: null }, restore_test: { rate: null } },
    });
    const { body } = await api().get("/api/v1/compliance/aomei/7");
    expect(body["digits"]).toMatchObject([
      { digit: "copies", counted: 4, holds: true, true_until: "2026-02-21T06:00:00.000Z" },
      { digit: "media", counted: 3, holds: true },
      { digit: "off_site", counted: 1, holds: true },
      { digit: "offline_or_immutable", counted: 1, holds: true, true_until: "2026-02-16T12:00:00.000Z" },
      { digit: "errors", counted: 3, holds: false, true_until: null },
    ]);
    const aged = await api().post("/api/v1/compliance/aomei/7/what-if", { changes: [{ change: "age", days: 1 }] });
    expect((aged.body["digits"] as { holds: boolean }[])[3]?.holds).toBe(false);
    expect(idsOf((await api().get(`/api/v1/health/items?agent_id=${agentId}`)).body, "items", "job_id")).toEqual([7]);
    const { aomeiJobs } = await api().store.read(async ({ tables }) => tables);
    const metrics = await api().get("/api/v1/health/daily?scope=aomei&id=7");
    expect(idsOf(metrics.body, "metrics", "total_backups")).toEqual([1, 1]);
    await api().store.write((db) => db.update(aomeiJobs).set({ isActive: false }).execute());
    await refreshTasks(api().context);
    expect((await api().get("/api/v1/health/items")).body["items"]).toEqual([]);
  });
});
