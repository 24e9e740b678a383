/** A host that runs what its policy says by itself, with its controller and without it. */
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../../controller/src/http/test-client.ts";
import { makeScheduleHost, type ScheduleHost } from "../helpers/schedule-host.ts";
import { MIB } from "../helpers/service-host.ts";

const DAY_MS = 86_400_000;

describe("a host with a policy", () => {
  let host: ScheduleHost;
  beforeAll(async () => {
    host = await makeScheduleHost(({ agentId }) => ({
      ...{ name: "nightly", items: [{ agent_id: agentId, vm_context_id: "web-1" }] },
      // So that it can be killed in the middle.
      engine: { speed_limit_bytes_per_second: MIB },
      backup: { schedule: { cron: "0 3 * * *", zone: "UTC" }, retries: 1, retry_seconds: 1 },
    }));
  });
  afterAll(() => host.remove());

  const ended = async (count: number): Promise<Json[]> => {
    await expect
      .poll(async () => (await host.runs()).filter(({ state }) => state !== "running").length, { timeout: 30_000 })
      .toBe(count);
    return await host.runs();
  };

  it("says when it runs next", async () => {
    const [backup, ...proofs] = await host.planned();
    expect(backup).toMatchObject({ task: "backup", state: "planned", policy_id: host.policyId });
    expect(backup?.["next_run_at"]).toMatch(/T03:00:00\.000Z$/);
    expect(proofs.map(({ state }) => state)).toEqual(["after_backup", "after_backup"]);
  });

  it("runs once for all that it slept through, its controller away, and tells it later", async () => {
    await host.stop();
    await host.stopController();
    host.asleep(5);
    host.start();
    const made = await ended(3);
    const told = made.map(({ kind, state, scheduled }) => [kind, state, (scheduled as Json)["attempt"]]);
    expect(told).toEqual([
      ["backup", "completed", 1],
      ["verify", "completed", 1],
      ["drill", "completed", 1],
    ]);
    const { due_at, since } = (made[0]?.["scheduled"] ?? {}) as Json;
    expect(Date.now() - Date.parse(String(due_at))).toBeLessThan(DAY_MS);
    expect(Date.parse(String(due_at)) - Date.parse(String(since))).toBe(4 * DAY_MS);
    await host.startController();
    const { executions } = await host.until("/api/v1/executions", (body) =>
      (body["executions"] as Json[]).filter(({ state }) => state === "completed").length === 3 ? body : undefined,
    );
    expect(new Set((executions as Json[]).map(({ kind }) => kind))).toEqual(new Set(["backup", "verify", "drill"]));
    const { backups } = await host.get("/api/v1/backup/list");
    expect(backups).toMatchObject([{ policy_id: host.policyId, status: "completed", drill: { status: "passed" } }]);
    const { time_zone } = await host.get(`/api/v1/agents/${host.agentId}`);
    expect(time_zone).toBe(Intl.DateTimeFormat().resolvedOptions().timeZone);
  });

  it("killed with its run, it tries again, and tells both", async () => {
    await host.stop();
    await host.writeDisk();
    host.asleep(1);
    // It dies as soon as the run's record stands.
    const dying = host.start();
    await expect.poll(async () => (await host.runs()).length, { timeout: 20_000, interval: 5 }).toBe(4);
    dying.child.kill("SIGKILL");
    await dying.ended;
    expect((await host.runs())[3]).toMatchObject({ kind: "backup", state: "running" });
    host.start();
    const made = await ended(7);
    const since = made.slice(3).map(({ kind, state, scheduled }) => [kind, state, (scheduled as Json)["attempt"]]);
    expect(since).toEqual([
      ["backup", "lost", 1],
      ["backup", "completed", 2],
      ["verify", "completed", 1],
      ["drill", "completed", 1],
    ]);
    await host.until("/api/v1/executions", (body) =>
      (body["executions"] as Json[]).some(({ state }) => state === "lost") ? true : undefined,
    );
  });

  it("a repository that is not there is a failed run, for each attempt", async () => {
    await host.stop();
    const [at, away] = [join(host.hostFolder, "main"), join(host.hostFolder, "away")];
    await rename(at, away);
    host.asleep(1);
    host.start();
    const failed = (await ended(9)).slice(7);
    expect(failed.map(({ kind, state, scheduled }) => [kind, state, (scheduled as Json)["attempt"]])).toEqual([
      ["backup", "failed", 1],
      ["backup", "failed", 2],
    ]);
    await host.until("/api/v1/executions", (body) =>
      (body["executions"] as Json[]).filter(({ state }) => state === "failed").length === 2 ? true : undefined,
    );
    await rename(away, at);
  });

  it("a policy that is taken back is no longer run, and one asked to be read again is", async () => {
    const { body } = await host.call("POST", "/api/v1/commands", { agent_id: host.agentId, kind: "policy.reload" });
    const { state, result } = await host.commandEnd(body["command_id"]);
    expect([state, (result as Json | null)?.["summary"]]).toEqual(["done", expect.stringMatching(/1 items, 1 plans/)]);
    const gone = await host.call("DELETE", `/api/v1/policies/${host.policyId}`);
    expect(gone.status).toBeLessThan(300);
    await expect.poll(async () => (await host.planned()).length, { timeout: 20_000 }).toBe(0);
  });
});
