/** What a controller may ask of an agent: a closed list, never a shell line. */
import { z } from "zod";
import { backupId, pathId } from "./ids.ts";
import { count, problem, sentence, sha256Hex, time, uuid } from "./limits.ts";
import { backupType } from "./sidecar.ts";

const diskNumber = z.number().int().min(0).max(999);
const placed = { repository_id: pathId, backup_id: backupId };

/**
 * The arguments by kind. `backup.start`: `backup_ids` are the ids the controller wishes for, by disk; a taken one gets a
 * suffix. `verify.start`: `hash_map_sha256` is what was recorded when the backup was made, which the host cannot change.
 * A running command is cancelled by its own frame, which does not wait for its turn: `backup.cancel` is no agent's work.
 */
export const commandArguments = {
  "backup.start": z.object({
    vm_context_id: pathId,
    repository_id: pathId,
    disks: z.array(diskNumber).min(1).max(1000).nullable(),
    backup_type: z.union([backupType, z.literal("auto")]),
    backup_ids: z.record(z.string().regex(/^\d{1,3}$/), backupId),
    policy_id: z.string().max(100).nullable(),
    tags: z.record(z.string().min(1).max(100), z.string().max(500)),
    /** The wished name of the moment that its disks share; a taken one gets a suffix. */
    restore_point_id: z.string().min(1).max(200).optional(),
  }),
  "backup.delete": z.object({ repository_id: pathId, backup_ids: z.array(backupId).min(1).max(1000) }),
  "backup.pin": z.object({ ...placed, pinned: z.boolean(), reason: sentence }),
  "verify.start": z.object({ ...placed, hash_map_sha256: sha256Hex.nullable() }),
  "drill.start": z.object({ ...placed, hash_map_sha256: sha256Hex.nullable() }),
  "agent.diagnose": z.object({}),
  "agent.rotate-certificate": z.object({}),
  "policy.reload": z.object({}),
  "backup.cancel": z.object({ command_id: uuid }),
  /** Merges this increment, and those before it, into their full. */
  "chain.consolidate": z.object(placed),
  "copy.start": z.object({ ...placed, to_repository_id: pathId }),
  "restore.browse": z.object({ ...placed, idle_seconds: z.number().int().min(60).max(86_400).optional() }),
  "restore.start": z.object({ ...placed, target: z.string().min(1).max(4096) }),
  "agent.update": z.object({ version: z.string().min(1).max(50) }),
} as const;

export const COMMAND_KINDS = [
  "backup.start",
  "backup.delete",
  "backup.pin",
  "verify.start",
  "drill.start",
  "agent.diagnose",
  "agent.rotate-certificate",
  "policy.reload",
  "backup.cancel",
  "chain.consolidate",
  "copy.start",
  "restore.browse",
  "restore.start",
  "agent.update",
] as const satisfies readonly (keyof typeof commandArguments)[];
export const commandKind = z.enum(COMMAND_KINDS);
export type CommandKind = z.infer<typeof commandKind>;
export type CommandArguments<Kind extends CommandKind> = z.infer<(typeof commandArguments)[Kind]>;

const envelope = {
  command_id: uuid,
  author: z.string().max(200),
  reason: sentence,
  created_at: time,
  /** Not begun by then, it expires. */
  deadline: time,
};

/** One command as it goes to the agent. A kind of a newer controller stays readable as an unknown one. */
export const command = z.object({
  ...envelope,
  kind: z.string().max(64),
  arguments: z.record(z.string(), z.unknown()),
});
export type Command = z.infer<typeof command>;

/**
 * queued and sent are the controller's; the agent tells the others. `accepted`: durably noted, so it will not be done
 * twice. The last five are ends: a command has exactly one of them.
 */
export const commandState = z.enum([
  "queued",
  "sent",
  "accepted",
  "running",
  "done",
  "refused",
  "failed",
  "cancelled",
  "expired",
]);
export type CommandState = z.infer<typeof commandState>;
export const COMMAND_ENDS: readonly CommandState[] = ["done", "refused", "failed", "cancelled", "expired"];

/** A step of a command, told by the agent as an event. `result` belongs to `done`, `error` to the other ends. */
export const commandChanged = z.object({
  command_id: uuid,
  state: z.enum(["accepted", "running", "done", "refused", "failed", "cancelled", "expired"]),
  run_ids: z.array(z.string().max(100)).max(20),
  result: z
    .object({
      summary: sentence,
      backup_ids: z.array(backupId).max(1000).optional(),
      verification_id: z.string().max(100).optional(),
      drill_id: z.string().max(100).optional(),
      details: z.record(z.string().max(100), z.union([z.string().max(4000), count, z.boolean()])).optional(),
    })
    .nullable(),
  error: problem.nullable(),
  at: time,
});
export type CommandChanged = z.infer<typeof commandChanged>;
