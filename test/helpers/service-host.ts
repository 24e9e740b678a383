/** An enrolled host with one item, and what tests ask of its controller about it. */
import { randomFillSync } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Json } from "../../controller/src/http/test-client.ts";
import { makeServiceWorld } from "./service-world.ts";

export const MIB = 1024 * 1024;
const ENDS = ["done", "refused", "failed", "cancelled", "expired"];

export type ServiceTestHost = Awaited<ReturnType<typeof makeServiceHost>>;

export async function makeServiceHost(diskBytes = MIB) {
  const world = await makeServiceWorld();
  const { hostFolder, call, cli, until } = world;
  const disks = join(hostFolder, "disks");
  await mkdir(disks);
  const disk = join(disks, "web.raw");
  const writeDisk = (): Promise<void> => writeFile(disk, randomFillSync(Buffer.alloc(diskBytes)));
  await writeDisk();
  const source = { kind: "file", path: disk, format: "raw" };
  const item = { vm_context_id: "web-1", vm_name: "web", repository_id: "main", disks: [{ source }] };
  const main = { repository_id: "main", path: join(hostFolder, "main") };
  const config = {
    roots: [disks],
    repository_roots: [join(hostFolder, "fleet")],
    repositories: [main],
    items: [item],
    floor: { min_points: 1, min_age_days: 0 },
  };
  await world.configure(config);
  await cli("repository", "init", "main");
  return {
    ...{ ...world, disks, disk, writeDisk, config, item },
    enroll: async (): Promise<string> => {
      const { document } = await cli("enroll", "--controller", world.url, "--token", await world.token());
      return String(document["agent_id"]);
    },
    /** Until the controller knows what the host protects. */
    known: () => until("/api/v1/items", ({ items }) => (items as Json[]).find((one) => one["vm_name"] === "web")),
    commandEnd: (id: unknown): Promise<Json> =>
      until(`/api/v1/commands/${String(id)}`, (one) => (ENDS.includes(String(one["state"])) ? one : undefined)),
    startBackup: async (wish: Json = {}): Promise<string> => {
      const body = { vm_name: "web", backup_type: "full", repository_id: "main", ...wish };
      const { status, body: pending, text } = await call("POST", "/api/v1/backup/start", body);
      if (status !== 202) throw new Error(text);
      return String(pending["backup_id"]);
    },
    backupIs: (id: string, statuses: string[]): Promise<Json> =>
      until(`/api/v1/backup/${id}`, (one) => (statuses.includes(String(one["status"])) ? one : undefined)),
  };
}
