/** The agent's configuration file: what stands in it, with defaults. Sizes in bytes, times in the unit of the name. */
import { pathId } from "@holdfast/protocol";
import { z } from "zod";
import { sourceSpec } from "../engines/qcow2/source.ts";

const path = z.string().min(1).max(4096).startsWith("/", "must be an absolute path");
const positive = z.number().int().positive();

const nbdServer = z
  .string()
  .regex(
    /^(unix:\/.+|\[[0-9A-Fa-f:.]+\]:\d{1,5}|[A-Za-z0-9._-]+:\d{1,5})$/,
    "must be unix:/path/to/socket or host:port",
  );

export const repositoryEntry = z.strictObject({
  repository_id: pathId,
  path,
  kind: z.enum(["local", "nfs", "cifs"]).default("local"),
  /** New backups are encrypted; refused until the recovery key was written out and confirmed. */
  encryption: z.boolean().default(false),
});
export type RepositoryEntry = z.infer<typeof repositoryEntry>;

const diskEntry = z.strictObject({
  disk_id: z.number().int().min(0).max(999).default(0),
  source: sourceSpec,
});

export const itemEntry = z.strictObject({
  vm_context_id: pathId,
  vm_name: z.string().min(1).max(200),
  repository_id: pathId,
  disks: z.array(diskEntry).min(1, "name at least one disk").max(1000),
  compression: z.enum(["none", "zstd"]).default("none"),
  cluster_size: z
    .union([z.literal(65_536), z.literal(1_048_576)], { error: "must be 65536 or 1048576" })
    .default(65_536),
  full_every_days: positive.max(3650).optional(),
  max_chain_length: positive.max(1000).optional(),
  /** Closed chains whose every point is older go; without it nothing is ever removed. */
  retention_days: positive.max(36_500).optional(),
  speed_limit_bytes_per_second: positive.optional(),
  tags: z.record(z.string().min(1).max(100), z.string().max(500)).default({}),
});
export type ItemEntry = z.infer<typeof itemEntry>;

export const configFile = z.strictObject({
  /** Keys, locks and the ledger of runs. */
  state_dir: path.optional(),
  /** Where drills restore to; default `<state_dir>/scratch`. */
  scratch_dir: path.optional(),
  max_scratch_bytes: positive.optional(),
  /** Sources must lie inside these folders. */
  roots: z.array(path).default([]),
  /** NBD servers that may be read. */
  nbd_servers: z.array(nbdServer).default([]),
  repositories: z.array(repositoryEntry).default([]),
  items: z.array(itemEntry).default([]),
  /** No deletion goes below this, whoever asks. */
  floor: z
    .strictObject({
      min_points: z.number().int().min(1).max(100_000).default(7),
      min_age_days: z.number().min(0).max(36_500).default(7),
    })
    .prefault({}),
  drill_timeout_seconds: positive.max(7 * 86_400).default(6 * 3600),
});
export type ConfigFile = z.infer<typeof configFile>;

/** The configuration in force: the file's content with every folder decided. `file` is null when there is none. */
export type Config = Omit<ConfigFile, "state_dir" | "scratch_dir"> & {
  file: string | null;
  state_dir: string;
  scratch_dir: string;
};
