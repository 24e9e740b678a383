/** The agent's service with a real controller: what is asked through the API is done on the host, and told. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Json } from "../../controller/src/http/test-client.ts";
import { makeServiceWorld, type ServiceWorld } from "../helpers/service-world.ts";

const MIB = 1024 * 1024;

describe("the service of an enrolled host", () => {
  let world: ServiceWorld;
  let disk: string;
  beforeEach(async () => {
    world = await makeServiceWorld();
    await mkdir(join(world.hostFolder, "disks"));
    disk = join(world.hostFolder, "disks", "web.raw");
    await writeFile(disk, Buffer.alloc(MIB, 7));
    await world.configure({
      roots: [join(world.hostFolder, "disks")],
      repository_roots: [join(world.hostFolder, "fleet")],
      repositories: [{ repository_id: "main", path: join(world.hostFolder, "main") }],
      items: [
        {
          vm_context_id: "web-1",
          vm_name: "web",
          repository_id: "main",
          disks: [{ source: { kind: "file", path: disk, format: "raw" } }],
        },
      ],
      floor: { min_points: 1, min_age_days: 0 },
    });
    expect((await world.cli("repository", "init", "main")).code).toBe(0);
  });
  afterEach(() => world.remove());

  const enroll = async (): Promise<string> => {
    const { code, document } = await world.cli("enroll", "--controller", world.url, "--token", await world.token());
    expect(document).toMatchObject({ agent_id: expect.any(String) });
    expect(code).toBe(0);
    return String(document["agent_id"]);
  };
  const start = async (): Promise<string> => {
    const agentId = await enroll();
    world.start();
    await world.until("/api/v1/items", ({ items }) =>
      (items as Json[]).find((one) => one["vm_context_id"] === "web-1"),
    );
    return agentId;
  };
  const commandEnd = (id: string) =>
    world.until(`/api/v1/commands/${id}`, (command) =>
      ["done", "refused", "failed", "cancelled", "expired"].includes(String(command["state"])) ? command : undefined,
    );
  const backUp = async (body: Json = {}) => {
    const wish = { vm_name: "web", backup_type: "full", repository_id: "main", ...body };
    const { status, body: pending, text } = await world.call("POST", "/api/v1/backup/start", wish);
    expect([status, text]).toEqual([202, text]);
    const id = String(pending["backup_id"]);
    return await world.until(`/api/v1/backup/${id}`, (one) =>
      ["completed", "failed"].includes(String(one["status"])) ? one : undefined,
    );
  };

  it("backs up, verifies and drills through the API, under the ids that the controller gave", async () => {
    await start();
    const backup = await backUp({ tags: { owner: "ann" } });
    expect(backup).toMatchObject({ status: "completed", bytes_transferred: MIB, tags: { owner: "ann" } });
    const id = String(backup["backup_id"]);
    const stored = JSON.parse(await readFile(`${backup["file_path"]}.json`, "utf8")) as Json;
    expect(stored).toMatchObject({ backup_id: id, tags: { owner: "ann" } });
    const validate = await world.call("POST", `/api/v1/backup/${id}/validate`, {});
    expect(validate.status).toBe(202);
    expect(await commandEnd(String(validate.body["command_id"]))).toMatchObject({ state: "done" });
    await world.until(`/api/v1/backup/${id}`, (one) =>
      (one["verification"] as Json | null)?.["status"] === "passed" ? true : undefined,
    );
  });
});
