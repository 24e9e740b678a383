/** Either side comes back from an old copy of its files, or its certificate nears its end: the truth comes back by itself. */
import { cp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfig } from "../../agent/src/config/load.ts";
import { serve } from "../../agent/src/service/serve.ts";
import type { Json } from "../../controller/src/http/test-client.ts";
import { makeServiceHost, type ServiceTestHost } from "../helpers/service-host.ts";

const DAY_MS = 86_400_000;

describe("rolled back", () => {
  let host: ServiceTestHost;
  let state: string;
  beforeEach(async () => {
    host = await makeServiceHost();
    state = join(host.hostFolder, "state");
    await host.enroll();
  });
  afterEach(() => host.remove());

  const copyOf = (folder: string): string => `${folder}-copy`;
  const keep = (folder: string): Promise<void> => cp(folder, copyOf(folder), { recursive: true });
  const rollBack = async (folder: string): Promise<void> => {
    await rm(folder, { recursive: true });
    await keep(copyOf(folder));
    await cp(copyOf(copyOf(folder)), folder, { recursive: true });
  };
  const stop = async (): Promise<void> => {
    const service = host.services.at(-1);
    service?.child.kill("SIGTERM");
    await service?.ended;
  };
  const made = async (): Promise<string> => {
    const id = await host.startBackup();
    await host.backupIs(id, ["completed"]);
    return id;
  };
  const privateKey = async (): Promise<unknown> =>
    (JSON.parse(await readFile(join(state, "identity", "identity.json"), "utf8")) as Json)["private_key"];
  const isProven = (id: string) =>
    host.until(`/api/v1/backup/${id}`, (one) =>
      (one["verification"] as Json | null)?.["status"] === "passed" && one["status"] === "completed" ? true : undefined,
    );

  it("a controller from an old copy learns everything again: backups, proofs, pins, runs and inventory", async () => {
    await host.stopController();
    await keep(host.dataDir);
    await host.startController();
    host.start();
    await host.known();
    const first = await made();
    const { body } = await host.call("POST", `/api/v1/backup/${first}/validate`);
    await host.commandEnd(body["command_id"]);
    await host.cli("repository", "pin", first, "--reason", "court order");
    await host.until(`/api/v1/backup/${first}`, ({ pinned }) => (pinned === true ? true : undefined));
    const before = (await host.get("/api/v1/executions"))["executions"] as Json[];
    await host.stopController();
    await rollBack(host.dataDir);
    await host.startController();
    await isProven(first);
    await host.until(`/api/v1/backup/${first}`, ({ pinned }) => (pinned === true ? true : undefined));
    await host.known();
    const executions = (await host.get("/api/v1/executions"))["executions"] as Json[];
    const facts = ({ run_id, state, outcome, command_id }: Json) => ({ run_id, state, outcome, command_id });
    expect(executions.map(facts)).toEqual(before.map(facts));
    const [agent] = (await host.get("/api/v1/agents"))["agents"] as Json[];
    const { gaps } = await host.get(`/api/v1/agents/${agent?.["agent_id"]}/gaps`);
    expect(gaps).toMatchObject([{ from_seq: 1, reason: "controller-behind" }]);
    const second = await made();
    expect(second).not.toBe(first);
  });

  it("a controller from an old copy learns what was removed since the copy, by command and by hand", async () => {
    host.start();
    await host.known();
    const [first, second, third] = [await made(), await made(), await made()];
    await host.stopController();
    await keep(host.dataDir);
    await host.startController();
    const isListed = (...ids: string[]): Promise<unknown> =>
      host.until("/api/v1/backup/list", ({ backups }) => {
        const listed = (backups as Json[]).map(({ backup_id }) => backup_id);
        return JSON.stringify(listed.sort()) === JSON.stringify(ids) ? true : undefined;
      });
    expect(await host.cli("repository", "delete", first)).toMatchObject({ code: 0 });
    await isListed(second, third);
    await host.stopController();
    const disk = join(host.hostFolder, "main", "web-1", "disk-0");
    for (const name of await readdir(disk)) if (name.startsWith(`${second}.`)) await rm(join(disk, name));
    await rollBack(host.dataDir);
    await host.startController();
    await isListed(third);
    expect((await host.call("GET", `/api/v1/backup/${first}`)).status).toBe(404);
  });

  it("a host from an old image begins a new epoch, gets a certificate again, and doubles nothing", async () => {
    host.start();
    await host.known();
    await stop();
    await keep(state);
    host.start();
    const first = await made();
    const agentId = (await host.get("/api/v1/agents"))["agents"] as Json[];
    const { body } = await host.call("POST", "/api/v1/commands", {
      agent_id: agentId[0]?.["agent_id"],
      kind: "agent.rotate-certificate",
    });
    await host.commandEnd(body["command_id"]);
    // By its new certificate, so that the controller knows the old one as given up.
    await made();
    await stop();
    await rollBack(state);
    host.start();
    await made();
    const backups = (await host.get("/api/v1/backup/list"))["backups"] as Json[];
    expect(backups.map(({ status }) => status)).toEqual(["completed", "completed", "completed"]);
    expect(backups.map(({ backup_id }) => backup_id)).toContain(first);
  });

  it("a certificate past half of its time is renewed over the link, with a new key", async () => {
    const before = await privateKey();
    const asked = Promise.withResolvers<void>();
    const options = {
      load: () => loadConfig(host.config_file, { env: {}, isRoot: false, home: "/" }),
      log: () => undefined,
      now: () => new Date(Date.now() + 16 * DAY_MS),
      stop: { asked: asked.promise, askedAgain: new Promise<void>(() => undefined) },
      drainMs: 0,
    };
    const served = serve(options);
    await expect.poll(privateKey, { timeout: 30_000 }).not.toBe(before);
    await host.known();
    asked.resolve();
    await served;
  });
});
