/** A host that runs what its policy says by itself, with its controller and without it. */
import { readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openNotebook } from "../../agent/src/schedule/notebook.ts";
import type { Json } from "../../controller/src/http/test-client.ts";
import { MIB, makeServiceHost, type ServiceTestHost } from "../helpers/service-host.ts";

const DAY_MS = 86_400_000;

describe("a host with a policy", () => {
  let host: ServiceTestHost;
  let agentId: string;
  let policyId: string;
  const stateDir = () => join(host.hostFolder, "state");

  beforeAll(async () => {
    host = await makeServiceHost();
    agentId = await host.enroll();
    host.start();
    await host.known();
    const schedule = { cron: "0 3 * * *", zone: "UTC" };
    const { status, body, text } = await host.call("POST", "/api/v1/policies", {
      name: "nightly",
      items: [{ agent_id: agentId, vm_context_id: "web-1" }],
      // So that it can be killed in the middle.
      engine: { speed_limit_bytes_per_second: MIB },
      backup: { schedule, retries: 1, retry_seconds: 1 },
      verify: { mode: "after_backup" },
      drill: { mode: "after_backup" },
    });
    expect([status, text]).toEqual([201, expect.anything()]);
    policyId = String(body["policy_id"]);
    await planned();
  });
  afterAll(() => host.remove());

  /** What the host says it will run. */
  const planned = async (): Promise<Json[]> => {
    for (;;) {
      const { document } = await host.cli("status");
      const runs = document["planned"] as Json[];
      if (runs.length === 3) return runs;
      await new Promise((wake) => setTimeout(wake, 100));
    }
  };
  const stop = async (how: NodeJS.Signals = "SIGTERM"): Promise<void> => {
    const service = host.services.at(-1);
    service?.child.kill(how);
    await service?.ended;
  };
  /** As if the host had slept for so long. */
  const asleep = (days: number): void => {
    const notebook = openNotebook(stateDir(), { now: new Date(), log: () => undefined });
    const settledThrough = new Date(Date.now() - days * DAY_MS);
    const noted = [...notebook.all().values()].filter(({ id }) => id === "web-1/backup");
    notebook.put(noted.map((one) => ({ ...one, state: { kind: "idle", settledThrough, asked: null } })));
    notebook.close();
  };
  const runs = async (): Promise<Json[]> => {
    const folder = join(stateDir(), "runs");
    const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
    const all = await Promise.all(
      names.map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8")) as Json),
    );
    return all.toSorted((one, other) => (String(one["started_at"]) < String(other["started_at"]) ? -1 : 1));
  };
  const ended = async (count: number): Promise<Json[]> => {
    await expect
      .poll(async () => (await runs()).filter(({ state }) => state !== "running").length, { timeout: 30_000 })
      .toBe(count);
    return await runs();
  };

  it("says when it runs next", async () => {
    const [backup, ...proofs] = await planned();
    expect(backup).toMatchObject({ task: "backup", state: "planned", policy_id: policyId });
    expect(backup?.["next_run_at"]).toMatch(/T03:00:00\.000Z$/);
    expect(proofs.map(({ state }) => state)).toEqual(["after_backup", "after_backup"]);
  });

  it("runs once for all that it slept through, its controller away, and tells it later", async () => {
    await stop();
    await host.stopController();
    asleep(5);
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
    expect(backups).toMatchObject([{ policy_id: policyId, status: "completed", drill: { status: "passed" } }]);
    const { time_zone } = await host.get(`/api/v1/agents/${agentId}`);
    expect(time_zone).toBe(Intl.DateTimeFormat().resolvedOptions().timeZone);
  });

  it("killed with its run, it tries again, and tells both", async () => {
    await stop();
    await host.writeDisk();
    asleep(1);
    // It dies as soon as the run's record stands.
    const dying = host.start();
    await expect.poll(async () => (await runs()).length, { timeout: 20_000, interval: 5 }).toBe(4);
    dying.child.kill("SIGKILL");
    await dying.ended;
    expect((await runs())[3]).toMatchObject({ kind: "backup", state: "running" });
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
    await stop();
    const [at, away] = [join(host.hostFolder, "main"), join(host.hostFolder, "away")];
    await rename(at, away);
    asleep(1);
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
    const { body } = await host.call("POST", "/api/v1/commands", { agent_id: agentId, kind: "policy.reload" });
    const { state, result } = await host.commandEnd(body["command_id"]);
    expect([state, (result as Json | null)?.["summary"]]).toEqual(["done", expect.stringMatching(/1 items, 1 plans/)]);
    const gone = await host.call("DELETE", `/api/v1/policies/${policyId}`);
    expect(gone.status).toBeLessThan(300);
    await expect
      .poll(async () => ((await host.cli("status")).document["planned"] as Json[]).length, { timeout: 20_000 })
      .toBe(0);
  });
});
