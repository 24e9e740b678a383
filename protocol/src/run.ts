/** Runs (executions), as an agent tells of them. */
import { z } from "zod";
import { backupId, pathId } from "./ids.ts";
import { count, problem, sentence, time, uuid } from "./limits.ts";
import { scheduledRun } from "./plan.ts";

export const runId = z
  .string()
  .max(100)
  .regex(/^run-\d{8}-\d{6}-[a-z]+-[0-9a-f]{8}$/);

export const runKind = z.enum(["backup", "verify", "drill", "restore", "removal"]);
export type RunKind = z.infer<typeof runKind>;

/** `lost`: its process is gone without having said how the run ended. */
export const runEnd = z.enum(["completed", "failed", "cancelled", "lost"]);
export type RunEnd = z.infer<typeof runEnd>;

export const runStarted = z.object({
  run_id: runId,
  run_kind: runKind,
  vm_context_id: z.string().max(200),
  /** What it works on beyond that: a backup id, a target. */
  subject: z.string().max(4200).nullable(),
  repository_id: pathId.nullable(),
  /** The command that asked for it; null: a schedule of the host or a person at its command line. */
  command_id: uuid.nullable(),
  /** null, or nothing: it was not due by a policy. */
  scheduled: scheduledRun.nullable().optional(),
  started_at: time,
});

export const runFinished = z.object({
  run_id: runId,
  state: runEnd,
  /** One sentence on what came of it; null unless completed. */
  outcome: sentence.nullable(),
  /** null when completed. */
  error: problem.nullable(),
  ended_at: time,
});

/** How far a run is; may be lost on the way, because the next one says more. Bytes unless `unit` says otherwise. */
export const runProgress = z.object({
  run_id: runId,
  phase: z.string().max(64),
  disk_id: z.number().int().min(0).max(999).nullable(),
  done: count,
  total: count,
  at: time,
});
export type RunProgress = z.infer<typeof runProgress>;

/** A backup that is no more: by command, by retention, or found missing. */
export const backupRemoved = z.object({
  repository_id: pathId,
  backup_id: backupId,
  run_id: runId.nullable(),
  reason: sentence,
  removed_at: time,
});
