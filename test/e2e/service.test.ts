/** The agent's service with a real controller: what is asked through the API is done on the host, and told. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../../controller/src/http/test-client.ts";
import { canonicalDigest } from "../../protocol/src/sidecar.ts";
import { MIB, makeServiceHost, type ServiceTestHost } from "../helpers/service-host.ts";

describe("the service of an enrolled host", () => {
  let host: ServiceTestHost;
  let agentId: string;
  beforeAll(async () => {
    host = await makeServiceHost();
    agentId = await host.enroll();
    host.start();
    await host.known();
  });
  afterAll(() => host.remove());

  const made = async (wish: Json = {}): Promise<Json> => {
    const backup = await host.backupIs(await host.startBackup(wish), ["completed", "failed"]);
    expect(backup).toMatchObject({ status: "completed" });
    return backup;
  };

  it("backs up under the id that the controller gave, verifies, drills and pins", async () => {
    const backup = await made({ tags: { owner: "ann" } });
    expect(backup).toMatchObject({ bytes_transferred: MIB, tags: { owner: "ann" } });
    const id = String(backup["backup_id"]);
    const stored = JSON.parse(await readFile(`${backup["file_path"]}.json`, "utf8")) as Json;
    expect(stored).toMatchObject({ backup_id: id, tags: { owner: "ann" } });
    const validate = await host.call("POST", `/api/v1/backup/${id}/validate`);
    const drill = await host.call("POST", "/api/v1/drills", { backup_id: id });
    for (const { body } of [validate, drill])
      expect(await host.commandEnd(body["command_id"])).toMatchObject({ state: "done", run_ids: [expect.any(String)] });
    const pinned = await host.call("POST", `/api/v1/backup/${id}/pin`, { reason: "court order" });
    expect([pinned.status, pinned.body["pinned"]]).toEqual([200, true]);
    expect(await host.get(`/api/v1/backup/${id}`)).toMatchObject({
      verification: { status: "passed" },
      drill: { status: "passed" },
    });
    const { executions } = await host.get("/api/v1/executions");
    expect(executions).toHaveLength(3);
    const kinds = (executions as Json[]).map(({ kind, state, command_id }) => [kind, state, command_id !== null]);
    expect(kinds.toSorted()).toEqual([
      ["backup", "completed", true],
      ["drill", "completed", true],
      ["verify", "completed", true],
    ]);
  });

  it("removes what may go, and says why the rest stays", async () => {
    const [first, second] = [await made(), await made()];
    const refused = await host.call("DELETE", `/api/v1/backup/${second["backup_id"]}`);
    expect(refused.status).toBe(409);
    const gone = await host.call("DELETE", `/api/v1/backup/${first["backup_id"]}`);
    expect([gone.status, gone.body["deleted"]]).toEqual([200, true]);
    await expect(readFile(String(first["file_path"]))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("tells what a person does on the host, also by hand in the repository", async () => {
    const { document } = await host.cli("run");
    const [item] = document["items"] as { disks: { backup: Json }[] }[];
    const id = item?.disks[0]?.backup["backup_id"];
    expect(id).toEqual(expect.any(String));
    await host.until("/api/v1/backup/list", ({ backups }) =>
      (backups as Json[]).find(
        (one) => one["backup_id"] === id && (one["drill"] as Json | null)?.["status"] === "passed",
      ),
    );
    await host.cli("repository", "pin", String(id), "--reason", "by hand");
    await host.until(`/api/v1/backup/${id}`, ({ pinned }) => (pinned === true ? true : undefined));
  });

  it("takes a hash map that was replaced on the host for tampering", async () => {
    const backup = await made();
    const path = `${backup["file_path"]}`;
    const sidecar = JSON.parse(await readFile(`${path}.json`, "utf8")) as Json;
    const changed: Json = { ...sidecar, hash_map: { ...(sidecar["hash_map"] as Json), sha256: "0".repeat(64) } };
    await writeFile(`${path}.json`, JSON.stringify({ ...changed, digest: canonicalDigest(changed) }));
    const { body } = await host.call("POST", `/api/v1/backup/${backup["backup_id"]}/validate`);
    const ended = await host.commandEnd(body["command_id"]);
    expect(ended).toMatchObject({ state: "done", result: { summary: expect.stringMatching(/^failed: /) } });
    await host.until(`/api/v1/backup/${backup["backup_id"]}`, ({ verification }) =>
      (verification as Json | null)?.["status"] === "failed" ? true : undefined,
    );
  });

  it("protects what the controller defines inside the host's own limits, and refuses the rest by name", async () => {
    const path = join(host.hostFolder, "fleet", "second");
    const define = (at: string, body: Json) => host.call("POST", at, { agent_id: agentId, ...body });
    await define("/api/v1/repositories", { repository_id: "second", path });
    await define("/api/v1/repositories", { repository_id: "evil", path: join(host.hostFolder, "evil") });
    const { item } = host;
    const entry = { ...item, vm_context_id: "web-2", vm_name: "web two", repository_id: "second" };
    expect((await define("/api/v1/items", entry)).status).toBe(201);
    const outside = [{ source: { kind: "file", path: "/etc/passwd", format: "raw" } }];
    await define("/api/v1/items", { ...entry, vm_context_id: "out", vm_name: "out", disks: outside });
    const refused = await host.until(`/api/v1/agents/${agentId}`, (agent) => {
      const list = JSON.stringify(agent["policy"]);
      return list.includes("repository evil") && list.includes("item out") ? list : undefined;
    });
    expect(refused).toContain("REPOSITORY_NOT_ALLOWED");
    expect(refused).toContain("SOURCE_NOT_ALLOWED");
    const backup = await made({ vm_name: "web two", repository_id: "second" });
    expect(String(backup["file_path"])).toMatch(new RegExp(`^${path}/web-2/`));
    await rm(path, { recursive: true });
    host.services[0]?.child.kill("SIGTERM");
    await host.services[0]?.ended;
    host.start();
    // Its file system is gone: it is absent now, and not made anew.
    await host.until("/api/v1/repositories/second", ({ state }) => (state === "absent" ? true : undefined));
  });

  it("answers what it is asked about itself, and changes its certificate", async () => {
    const ask = (kind: string) => host.call("POST", "/api/v1/commands", { agent_id: agentId, kind });
    const { body: diagnose } = await ask("agent.diagnose");
    const { result } = await host.commandEnd(diagnose["command_id"]);
    expect((result as Json)["details"]).toMatchObject({
      spool_room: "ample",
      link: expect.stringMatching(/^streaming/),
    });
    const before = await readFile(join(host.hostFolder, "state", "identity", "identity.json"), "utf8");
    const { body: rotate } = await ask("agent.rotate-certificate");
    expect(await host.commandEnd(rotate["command_id"])).toMatchObject({ state: "done" });
    const after = await readFile(join(host.hostFolder, "state", "identity", "identity.json"), "utf8");
    expect((JSON.parse(after) as Json)["private_key"]).not.toBe((JSON.parse(before) as Json)["private_key"]);
    await made();
  });

  it("goes by its configuration file as it is now, and by the last good one", async () => {
    const renamed = { ...host.config, items: [{ ...host.item, vm_name: "renamed" }] };
    await host.configure(renamed);
    await host.until("/api/v1/items", ({ items }) => (items as Json[]).find((one) => one["vm_name"] === "renamed"));
    await writeFile(host.config_file, "{");
    await expect
      .poll(() => host.services.at(-1)?.log.some(({ msg }) => msg.includes("stays as it was")), { timeout: 15_000 })
      .toBe(true);
    await made({ vm_name: "renamed" });
  });
});
