/** The agent's service stopped, killed, cancelled and cut off: each command has one end, each backup is told once. */
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Json } from "../../controller/src/http/test-client.ts";
import { MIB, makeServiceHost, type ServiceTestHost } from "../helpers/service-host.ts";
import type { ServiceProcess } from "../helpers/service-world.ts";

describe("the service that ends in the midst of it", () => {
  let host: ServiceTestHost;
  beforeEach(async () => {
    host = await makeServiceHost(6 * MIB);
    await slowDown();
  });
  afterEach(() => host.remove());

  const slowDown = (bytesPerSecond = 2 * MIB): Promise<void> => {
    const slow = { ...host.item, speed_limit_bytes_per_second: bytesPerSecond };
    return host.configure({ ...host.config, items: [slow] });
  };
  /** What is to be ended in the middle must not be through before, on a busy machine either. */
  const WITHOUT_END = MIB / 4;
  const isStopping = (service: ServiceProcess): Promise<void> =>
    expect.poll(() => service.log.some(({ msg }) => msg.startsWith("stopping")), { timeout: 5000 }).toBe(true);

  const begin = async (): Promise<{ service: ServiceProcess; backup: string; command: Json }> => {
    await host.enroll();
    const service = host.start();
    await host.known();
    const backup = await host.startBackup();
    await host.backupIs(backup, ["running"]);
    return { service, backup, command: await newestCommand() };
  };
  const newestCommand = async (): Promise<Json> => {
    const { commands } = await host.get("/api/v1/commands");
    const [newest] = commands as Json[];
    return newest ?? {};
  };
  const listed = async (): Promise<Json[]> => (await host.get("/api/v1/backup/list"))["backups"] as Json[];

  it("lets what runs go on after SIGTERM, tells its end, and leaves the rest for the next start", async () => {
    const { service, backup } = await begin();
    service.child.kill("SIGTERM");
    await isStopping(service);
    expect(await service.ended).toEqual({ code: 0, signal: null });
    expect(await host.get(`/api/v1/backup/${backup}`)).toMatchObject({ status: "completed" });
    const { body } = await host.call("POST", `/api/v1/backup/${backup}/validate`);
    expect(body).toMatchObject({ state: "queued" });
    host.start();
    expect(await host.commandEnd(body["command_id"])).toMatchObject({ state: "done" });
  });

  it("cancels what runs at the second signal, and leaves nothing of it", async () => {
    await slowDown(WITHOUT_END);
    const { service, backup, command } = await begin();
    service.child.kill("SIGTERM");
    await isStopping(service);
    service.child.kill("SIGTERM");
    expect(await service.ended).toEqual({ code: 0, signal: null });
    expect(await host.get(`/api/v1/backup/${backup}`)).toMatchObject({ status: "cancelled" });
    expect(await host.get(`/api/v1/commands/${command["command_id"]}`)).toMatchObject({ state: "cancelled" });
    expect((await host.cli("repository", "check", "main")).code).toBe(0);
  });

  it("killed while it backs up: the command is interrupted, the run lost, and the next backup works", async () => {
    await slowDown(WITHOUT_END);
    const { service, backup, command } = await begin();
    service.child.kill("SIGKILL");
    await service.ended;
    await host.configure(host.config);
    host.start();
    expect(await host.commandEnd(command["command_id"])).toMatchObject({
      state: "failed",
      error: { code: "INTERRUPTED" },
    });
    expect(await host.get(`/api/v1/backup/${backup}`)).toMatchObject({ status: "failed" });
    const { executions } = await host.get("/api/v1/executions");
    expect(executions).toMatchObject([{ state: "lost" }]);
    await host.backupIs(await host.startBackup(), ["completed"]);
    expect((await listed()).filter(({ status }) => status === "completed")).toHaveLength(1);
  });

  it("cancels a backup that the API wants to end", async () => {
    await slowDown(WITHOUT_END);
    const { backup, command } = await begin();
    expect((await host.call("POST", `/api/v1/backup/${backup}/cancel`)).status).toBe(202);
    expect(await host.commandEnd(command["command_id"])).toMatchObject({ state: "cancelled" });
    expect(await host.get(`/api/v1/backup/${backup}`)).toMatchObject({ status: "cancelled" });
  });

  it("tells progress of what runs", async () => {
    const { command } = await begin();
    const { run_ids } = await host.until(`/api/v1/commands/${command["command_id"]}`, (one) =>
      (one["run_ids"] as string[]).length > 0 ? one : undefined,
    );
    const [run] = run_ids as string[];
    await host.until(`/api/v1/executions/${run}`, ({ progress }) =>
      Number((progress as Json | null)?.["done"]) > 0 ? true : undefined,
    );
  });

  it("says that it is busy while a person works on the item", async () => {
    await host.configure(host.config);
    await host.enroll();
    const { document } = await host.cli("backup", "web-1");
    const [backup] = document["backups"] as Json[];
    await slowDown();
    host.start();
    await host.known();
    const byHand = host.cli("backup", "web-1", "--full");
    await host.until("/api/v1/executions", ({ executions }) =>
      (executions as Json[]).find(({ state }) => state === "running"),
    );
    const { body } = await host.call("POST", `/api/v1/backup/${backup?.["backup_id"]}/validate`);
    expect(await host.commandEnd(body["command_id"])).toMatchObject({ state: "refused", error: { code: "BUSY" } });
    expect((await byHand).code).toBe(0);
  });

  it("is one for each state folder, waits for its host to be enrolled, and says how it is", async () => {
    const first = host.start();
    await expect.poll(() => first.log.some(({ msg }) => msg.includes("not enrolled")), { timeout: 10_000 }).toBe(true);
    const second = host.start();
    expect((await second.ended).code).toBe(5);
    const agentId = await host.enroll();
    await host.known();
    const controller = async () => (await host.cli("status")).document["controller"];
    await expect
      .poll(controller, { timeout: 10_000 })
      .toMatchObject({ connected: true, service: { link: "streaming" } });
    expect(await controller()).toMatchObject({ agent_id: agentId, spool: "ample" });
    first.child.kill("SIGTERM");
    await first.ended;
    expect(await controller()).toMatchObject({ connected: false, service: null });
    const lines = first.log.map((line) => JSON.stringify(line)).join("\n");
    expect(lines).not.toContain("PRIVATE KEY");
    expect(lines).toContain(join(host.hostFolder, "state"));
  });
});
