/** The agent's configuration file: what stands in it, with defaults. Sizes in bytes, times in the unit of the name. */
import { itemEntry, repositoryEntry } from "@holdfast/protocol";
import { z } from "zod";
import { aomeiSettings } from "./aomei-settings.ts";

const path = z.string().min(1).max(4096).startsWith("/", "must be an absolute path");
const positive = z.number().int().positive();

const nbdServer = z
  .string()
  .regex(
    /^(unix:\/.+|\[[0-9A-Fa-f:.]+\]:\d{1,5}|[A-Za-z0-9._-]+:\d{1,5})$/,
    "must be unix:/path/to/socket or host:port",
  );

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
  /** The controller may have repositories made inside these folders, and nowhere else. */
  repository_roots: z.array(path).default([]),
  repositories: z.array(repositoryEntry).default([]),
  items: z.array(itemEntry).default([]),
  /** No deletion goes below this, whoever asks. */
  floor: z
    .strictObject({
      min_points: z.number().int().min(1).max(100_000).default(7),
      min_age_days: z.number().min(0).max(36_500).default(7),
    })
    .prefault({}),
  /** AOMEI Backupper on this host, or its folders copied or mounted here. */
  aomei: aomeiSettings.prefault({}),
  drill_timeout_seconds: positive.max(7 * 86_400).default(6 * 3600),
});
export type ConfigFile = z.infer<typeof configFile>;

/** The configuration in force: the file's content with every folder decided. `file` is null when there is none. */
export type Config = Omit<ConfigFile, "state_dir" | "scratch_dir"> & {
  file: string | null;
  state_dir: string;
  scratch_dir: string;
};
