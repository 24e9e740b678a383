import { z } from "zod";
import { backupId } from "./ids.ts";
import { time } from "./limits.ts";

const sentence = z.string().max(2000);

/** One thing found wrong. `offset` and `length` (bytes) name a range of the disk, or of the file when `file` says so. */
export const finding = z.object({
  code: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/)
    .max(64),
  message: sentence,
  offset: z.number().int().nonnegative().optional(),
  length: z.number().int().positive().optional(),
  file: z.string().max(500).optional(),
});
export type Finding = z.infer<typeof finding>;

/** At most so many findings are kept of one check; `findings_total` counts them all. */
export const MAX_FINDINGS = 100;

/** What one verification of a backup established. `error` means that it could not be finished, which proves nothing. */
export const verification = z.object({
  verification_id: z.string().max(100),
  backup_id: backupId,
  /** The parts that ran, in this order. */
  parts: z.array(z.enum(["structure", "chain", "map", "content"])).max(4),
  status: z.enum(["passed", "failed", "error", "skipped"]),
  reason: sentence,
  /** true: the data came through the page cache, so the medium itself was not proven. */
  cached: z.boolean(),
  bytes_checked: z.number().int().nonnegative(),
  findings: z.array(finding).max(MAX_FINDINGS),
  findings_total: z.number().int().nonnegative(),
  started_at: time,
  verified_at: time,
  duration_seconds: z.number().nonnegative(),
});
export type Verification = z.infer<typeof verification>;

/** What one restore drill established. Only `passed` and `failed` say anything about the backup. */
export const drill = z.object({
  drill_id: z.string().max(100),
  backup_id: backupId,
  level: z.enum(["bytes"]),
  status: z.enum(["passed", "failed", "inconclusive", "skipped"]),
  reason: sentence,
  /** The restore alone, which is the measured restore time (RTO); null when none was finished. */
  restore_seconds: z.number().nonnegative().nullable(),
  restored_bytes: z.number().int().nonnegative(),
  findings: z.array(finding).max(MAX_FINDINGS),
  findings_total: z.number().int().nonnegative(),
  started_at: time,
  drilled_at: time,
  duration_seconds: z.number().nonnegative(),
});
export type Drill = z.infer<typeof drill>;
