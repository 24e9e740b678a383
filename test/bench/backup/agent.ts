/** Our side: `holdfast-agent` as a user runs it, a whole process each time. */
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Measured, runMeasured } from "../measured-process.ts";

const CLI = resolve(import.meta.dirname, "../../../agent/bin/holdfast-agent.mjs");

/** What the bench reads of a backup's description. */
export type MadeBackup = {
  backup_id: string;
  backup_type: string;
  duration_seconds: number;
  file_size_bytes: number;
  bytes_transferred: number;
  change_detection: { method: string; reason: string };
};

export type BackupWish = {
  disk: string;
  repository: string;
  type?: "--full" | "--incremental";
  compression?: "none" | "zstd";
  /** The disk is a qcow2 image that keeps a dirty bitmap. */
  bitmap?: boolean;
  memory?: boolean;
};

export type Verified = { status: string; bytes_checked: number; duration_seconds: number; cached: boolean };

export type Agent = {
  initRepository: (path: string) => Promise<unknown>;
  backup: (wish: BackupWish) => Promise<Measured & { made: MadeBackup }>;
  verify: (repository: string, id: string, memory?: boolean) => Promise<Measured & { verified: Verified }>;
  restore: (
    repository: string,
    id: string,
    to: string,
    options?: { compare?: boolean; memory?: boolean },
  ) => Promise<Measured>;
};

/** An agent with a state folder of its own, that may read `scratch`. */
export async function createAgent(scratch: string): Promise<Agent> {
  const config = join(scratch, "agent.json");
  await writeFile(config, JSON.stringify({ state_dir: join(scratch, "state"), roots: [scratch] }));
  const call = (args: string[], memory = false): Promise<Measured> =>
    runMeasured(process.execPath, [CLI, "--config", config, ...args, "--json"], { memory });
  return {
    initRepository: (path) => call(["repository", "init", path]),
    backup: async ({ disk, repository, type = "--full", compression = "none", bitmap = false, memory }) => {
      const source = { kind: "file", path: disk, format: bitmap ? "qcow2" : "raw", write_bitmap: bitmap };
      const where = ["--source", JSON.stringify(source), "--repository", repository, "--vm-name", "bench"];
      const measured = await call(["backup", ...where, type, "--compression", compression], memory);
      return { ...measured, made: firstOf<MadeBackup>(measured, "backups") };
    },
    verify: async (repository, id, memory) => {
      const measured = await call(["verify", id, "--repository", repository], memory);
      return { ...measured, verified: firstOf<Verified>(measured, "verifications") };
    },
    restore: async (repository, id, to, { compare = false, memory } = {}) => {
      const how = compare ? [] : ["--no-compare"];
      return await call(["restore", id, "--to", to, "--overwrite", "--repository", repository, ...how], memory);
    },
  };
}

function firstOf<Item>({ stdout }: Measured, list: string): Item {
  const [item] = (JSON.parse(stdout) as Record<string, Item[]>)[list] ?? [];
  if (item === undefined) throw new Error(`holdfast-agent told of no ${list}:\n${stdout}`);
  return item;
}
