/** What happened on a host: told in order, applied once. */
import { z } from "zod";
import { aomeiEntry, aomeiImage, aomeiSourceState, aomeiTaskSeen } from "./aomei.ts";
import { commandChanged } from "./command.ts";
import { inventory, policyApplied } from "./host-policy.ts";
import { pathId } from "./ids.ts";
import { count, errorCode, sentence, time, uuid } from "./limits.ts";
import { backupsListed, itemsListed } from "./listing.ts";
import { runSkipped } from "./plan.ts";
import { drill, verification } from "./proof.ts";
import { backupRemoved, runFinished, runId, runStarted } from "./run.ts";
import { sidecar } from "./sidecar.ts";

/** `told_again`: from the repository, after a controller was restored from its own backup. */
const placed = { repository_id: pathId, run_id: runId.nullable(), told_again: z.boolean() };

/** The bodies by kind. Each is a fact of its own that may be applied again without harm. */
export const eventBodies = {
  inventory,
  run_started: runStarted,
  run_finished: runFinished,
  run_skipped: runSkipped,
  /** With it comes the digest of the hash map (`sidecar.hash_map.sha256`), which no one on the host can change later. */
  backup_recorded: z.object({ ...placed, file_path: z.string().max(4096), sidecar, pinned: z.boolean() }),
  backup_removed: backupRemoved,
  backup_pinned: z.object({
    repository_id: pathId,
    backup_id: z.string().max(160),
    pinned: z.boolean(),
    reason: sentence,
    at: time,
  }),
  verification_recorded: z.object({ ...placed, verification }),
  drill_recorded: z.object({ ...placed, drill }),
  /** What a repository holds, once for each time that the facts are told again. */
  backups_listed: backupsListed,
  items_listed: itemsListed,
  command_changed: commandChanged,
  policy_applied: policyApplied,
  aomei_source_state: aomeiSourceState,
  aomei_task_seen: aomeiTaskSeen,
  aomei_entry: aomeiEntry,
  aomei_image: aomeiImage,
  log: z.object({ level: z.enum(["info", "warn", "error"]), code: errorCode, message: sentence, at: time }),
  /** Progress and log lines that were given up for want of room. */
  dropped: z.object({ kind: z.enum(["log"]), count, since: time }),
} as const;

export type EventKind = keyof typeof eventBodies;
export type EventBody<Kind extends EventKind> = z.infer<(typeof eventBodies)[Kind]>;
export type EventOf<Kind extends EventKind> = { kind: Kind; body: EventBody<Kind> };
export type AnyEvent = { [Kind in EventKind]: EventOf<Kind> }[EventKind];
export const EVENT_KINDS = Object.keys(eventBodies) as EventKind[];

/** Dropped first when a spool fills up; everything else is a result and is never dropped. */
export const DROPPABLE: readonly EventKind[] = ["log"];

/**
 * One event as it travels. (agent, epoch, seq) is its place and `event_id` its identity: an event that moves to a new
 * epoch keeps it. A kind of a newer agent stays readable as an unknown one.
 */
export const eventEnvelope = z.object({
  seq: z.number().int().positive(),
  event_id: uuid,
  kind: z.string().min(1).max(64),
  at: time,
  body: z.record(z.string(), z.unknown()),
});
export type EventEnvelope = z.infer<typeof eventEnvelope>;

/** Reads an envelope's body: the event, or why it is none. Unknown fields of newer versions are left out. */
export function readEvent(
  envelope: Pick<EventEnvelope, "kind" | "body">,
): AnyEvent | { unknown: string } | { wrong: string } {
  if (!Object.hasOwn(eventBodies, envelope.kind)) return { unknown: envelope.kind };
  const kind = envelope.kind as EventKind;
  const parsed = eventBodies[kind].safeParse(envelope.body);
  if (!parsed.success) return { wrong: z.prettifyError(parsed.error).slice(0, 2000) };
  return { kind, body: parsed.data } as AnyEvent;
}
