/** A host of the fleet whose agent is the program that people run: enrolled, with one small disk to back up. */
import { randomFillSync } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { placedBackups, readCatalogue } from "../../agent/src/repository/catalogue.ts";
import { openRepository } from "../../agent/src/repository/marker.ts";
import type { FleetKill } from "./fleet-plan.ts";
import { type FleetProcess, startProcess } from "./fleet-process.ts";
import { enrolmentOf, type Fleet } from "./fleet-world.ts";

const DISK_BYTES = 2 ** 20;

export type RealHost = {
  /** `holdfast-agent serve`. */
  start: (kill: FleetKill | null) => FleetProcess;
  /** Gives the disk other bytes. */
  change: () => Promise<void>;
  /** Ids of the backups that are in the repository. */
  made: () => Promise<string[]>;
};

export async function makeRealHost(fleet: Fleet): Promise<RealHost> {
  const folder = join(fleet.base, "real-host");
  const disks = join(folder, "disks");
  const repository = join(folder, "main");
  await mkdir(disks, { recursive: true });
  const disk = join(disks, "web.raw");
  const change = (): Promise<void> => writeFile(disk, randomFillSync(Buffer.alloc(DISK_BYTES)));
  await change();
  const source = { kind: "file", path: disk, format: "raw" };
  const config = {
    ...{ state_dir: join(folder, "state"), scratch_dir: join(folder, "scratch"), roots: [disks] },
    repositories: [{ repository_id: "main", path: repository }],
    items: [{ vm_context_id: "web-1", vm_name: "web", repository_id: "main", disks: [{ source }] }],
  };
  const file = join(folder, "agent.json");
  await writeFile(file, JSON.stringify(config));
  const run = async (...args: string[]): Promise<void> => {
    const { code, said } = await startProcess("agent/src/cli.ts", ["--config", file, ...args], null).ended;
    if (code !== 0) throw new Error(`holdfast-agent ${args[0]}: ${code} ${said}`);
  };
  await run("repository", "init", "main");
  const { url, token } = await enrolmentOf(fleet);
  await run("enroll", "--controller", url, "--token", token);
  return {
    change,
    start: (kill) => startProcess("agent/src/cli.ts", ["--config", file, "serve"], kill),
    made: async () => {
      const disksOf = await readCatalogue(await openRepository(repository));
      return disksOf.flatMap((one) => placedBackups(one).map((backup) => backup.backup_id));
    },
  };
}
