import { createHash } from "node:crypto";
import { z } from "zod";
import { backupId, pathId } from "./ids.ts";
import { time } from "./limits.ts";

const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);
const bytes = z.number().int().nonnegative();
const fileName = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);
const sentence = z.string().max(2000);

export const backupType = z.enum(["full", "incremental"]);
export type BackupType = z.infer<typeof backupType>;

/** How the blocks to store were found; `reason` says why this way and not a cheaper one. */
export const changeDetection = z.object({
  method: z.enum(["all-data", "dirty-bitmap", "hash-map", "compare"]),
  reason: sentence,
});

/** Bytes that no guest sees (header, tables, padding) are covered by `metadata`; `whole` covers the file end to end. */
const fileDigest = z.object({ scope: z.enum(["whole", "metadata"]), sha256: sha256Hex });

const hashMap = z.object({
  file_name: fileName,
  /** Of the map file as it is stored (the ciphertext when encrypted). */
  sha256: sha256Hex,
  size_bytes: bytes,
  block_size: z.number().int().positive(),
  data_blocks: z.number().int().nonnegative(),
  encrypted: z.boolean(),
});

const image = z.object({
  format: z.literal("qcow2"),
  cluster_size: z.number().int().positive(),
  compression: z.enum(["none", "zstd"]),
  /** `luks`: the qcow2 image lies inside a LUKS container; null: not encrypted. */
  encryption: z
    .object({ layout: z.literal("luks"), key_id: z.string().max(64), recovery_key_id: z.string().max(64) })
    .nullable(),
});

/**
 * What stands beside every backup as `<file>.json`: enough to rebuild the catalogue when all else is lost.
 * Sizes in bytes, durations in seconds, times RFC 3339 UTC. Contract §2 fixes the names it shares with `Backup`.
 */
export const sidecarBody = z.object({
  schema: z.literal("holdfast.backup/1"),
  backup_id: backupId,
  vm_context_id: pathId,
  vm_name: z.string().min(1).max(200),
  disk_id: z.number().int().min(0).max(999),
  /** The same for all disks of a VM that were taken at one moment; `restore_point_disks` tells which belong to it. */
  restore_point_id: z.string().min(1).max(200),
  restore_point_disks: z.array(z.number().int().min(0).max(999)).min(1).max(1000),
  repository_id: pathId,
  backup_type: backupType,
  status: z.literal("completed"),
  file_name: fileName,
  full_backup_id: backupId,
  parent_backup_id: backupId.nullable(),
  /** 0 for the full, 1 for its first increment, … */
  chain_position: z.number().int().nonnegative(),
  /**
   * 1 for the disk's first chain, one more for each next; set by the repository at the commit. Chains are ordered by
   * it and not by time, so that a clock that jumped never makes an old chain the current one.
   */
  chain_number: z.number().int().positive().optional(),
  /** Why it is of this type (e.g. "the disk grew from … to …: a new chain starts"). */
  reason: sentence,
  change_detection: changeDetection,
  consistency: z.enum(["offline", "crash-consistent", "filesystem-frozen"]),
  source: z.object({
    kind: z.enum(["file", "block", "qmp", "nbd"]),
    description: sentence,
    format: z.string().max(16),
  }),
  /** The disk's virtual size. */
  total_bytes: bytes,
  /** Guest bytes written into this file before compression. */
  bytes_transferred: bytes,
  file_size_bytes: bytes,
  file_digest: fileDigest,
  hash_map: hashMap,
  image,
  created_at: time,
  started_at: time,
  completed_at: time,
  duration_seconds: z.number().nonnegative(),
  policy_id: z.string().max(100).optional(),
  change_id: z.string().max(200).optional(),
  tags: z.record(z.string().max(100), z.string().max(500)).optional(),
  written_by: z.object({ holdfast: z.string().max(50), qemu: z.string().max(100) }),
});
export type SidecarBody = z.infer<typeof sidecarBody>;

/** A sidecar with the digest over all its other fields, so that a flipped bit in it is seen. */
export const sidecar = sidecarBody.extend({ digest: sha256Hex });
export type Sidecar = z.infer<typeof sidecar>;

/** sha256 (hex) of a value's JSON with keys in code-unit order; `digest` at the top level is left out. */
export function canonicalDigest(value: object): string {
  const { digest: _left, ...rest } = value as Record<string, unknown>;
  return createHash("sha256").update(canonicalJson(rest)).digest("hex");
}

/** A value's JSON without white space, keys in code-unit order; undefined fields are left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`);
  return `{${fields.join(",")}}`;
}

/** Completes a body with its digest. */
export function sealSidecar(body: SidecarBody): Sidecar {
  return { ...body, digest: canonicalDigest(body) };
}
