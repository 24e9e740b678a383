/** What an agent knows of AOMEI Backupper on its host: from its logs and its images, never from the program itself. */
import { z } from "zod";
import { count, errorCode, sentence, sha256Hex, time } from "./limits.ts";

const path = z.string().min(1).max(4096);
/** Texts of the log are in the language of the host; nothing is ever decided by them. */
const taskName = z.string().max(1024);
/** With its braces and in lower case, as far as the log has one that deserves the name. */
const taskGuid = z.string().min(1).max(256);

/** `unknown`: the log gives no result code. */
export const aomeiStatus = z.enum(["success", "failed", "unknown"]);

/** Something odd in a log; `offset`: characters of its text before the place. */
export const aomeiFinding = z.object({ code: errorCode, message: sentence, offset: count.nullable() });

/**
 * Whether a log or a folder of images can be read, told when that changes. `not_installed`: there is no sign of AOMEI
 * Backupper on this host; `absent`: it is there, or a path was configured, but not this file.
 */
export const aomeiSourceState = z.object({
  source: path,
  source_kind: z.enum(["result_log", "text_log", "images"]),
  state: z.enum(["ready", "absent", "not_installed", "unreadable"]),
  reason: sentence.nullable(),
  findings: z.array(aomeiFinding).max(110),
  at: time,
});

/** A task at first sight, or under a new name. Its GUID is its identity. */
export const aomeiTaskSeen = z.object({
  task_guid: taskGuid,
  task_name: taskName.nullable(),
  /** null at first sight. */
  previous_name: taskName.nullable(),
  source: path,
  at: time,
});

/** One entry of a log: the end of one run. `entry_key` is the same whenever the same entry is read. */
export const aomeiEntry = z.object({
  entry_key: sha256Hex,
  /** null in logs that name none: then the name is all there is. */
  task_guid: taskGuid.nullable(),
  task_name: taskName.nullable(),
  source: path,
  /** When the run ended, as the log has it; null when it has no time that can be true. */
  ended_at: time.nullable(),
  operation: z.string().max(1024).nullable(),
  result: z.string().max(1024).nullable(),
  result_code: z.number().int().nullable(),
  status: aomeiStatus,
  detail: z.string().max(16_384).nullable(),
  /** From the image that belongs to the run; all three are null without one. */
  image: path.nullable(),
  size_bytes: count.nullable(),
  duration_seconds: z.number().nonnegative().nullable(),
  told_again: z.boolean(),
  read_at: time,
});

/**
 * `complete`: both magics are there. `truncated`: the tail is not. `damaged`: a CRC-32 does not fit. `unrecognised`: it
 * begins as no image does. `removed_by_scheme`: gone, as AOMEI's own schemes do it. `missing`: gone for no known reason.
 */
export const aomeiImageState = z.enum([
  "complete",
  "truncated",
  "damaged",
  "unrecognised",
  "unreadable",
  "removed_by_scheme",
  "missing",
]);

/** An image file, told when something about it changes. */
export const aomeiImage = z.object({
  path,
  /** The configured folder that it lies in. */
  folder: path,
  image_kind: z.enum(["adi", "afi"]),
  /** Inferred from the names of the file and its folders; null when they fit no task, or several. */
  task_guid: taskGuid.nullable(),
  task_name: taskName.nullable(),
  state: aomeiImageState,
  reason: sentence.nullable(),
  size_bytes: count,
  modified_at: time,
  /** The structures' CRC-32: `unproven` while it is not known where they stand. */
  checksum: z.enum(["passed", "failed", "unproven"]),
  checked_at: time,
});

export type AomeiSourceState = z.infer<typeof aomeiSourceState>;
export type AomeiTaskSeen = z.infer<typeof aomeiTaskSeen>;
export type AomeiEntry = z.infer<typeof aomeiEntry>;
export type AomeiImage = z.infer<typeof aomeiImage>;
