/** An event as it came in, read once and for all. */
import { type AnyEvent, type EventEnvelope, readEvent } from "@holdfast/protocol";

export type Incoming = {
  agentId: string;
  epoch: string;
  envelope: EventEnvelope;
  /** null: not an event that this version can apply; `problem` says why. */
  event: AnyEvent | null;
  problem: string | null;
};

export function readIncoming(agentId: string, epoch: string, envelope: EventEnvelope): Incoming {
  const read = readEvent(envelope);
  const incoming = { agentId, epoch, envelope };
  if ("unknown" in read) return { ...incoming, event: null, problem: `unknown kind ${read.unknown}` };
  if ("wrong" in read) return { ...incoming, event: null, problem: `wrong body: ${read.wrong}` };
  return { ...incoming, event: read, problem: null };
}

/** What an event is about, for whoever looks for it: the id of a run, a backup, an item or a command; a task, a log, an image. */
export function subjectOf(event: AnyEvent | null): string | null {
  switch (event?.kind) {
    case "run_started":
    case "run_finished":
      return event.body.run_id;
    case "backup_recorded":
      return event.body.sidecar.backup_id;
    case "backup_removed":
    case "backup_pinned":
      return event.body.backup_id;
    case "run_skipped":
    case "backups_listed":
      return event.body.vm_context_id;
    case "items_listed":
      return event.body.repository_id;
    case "verification_recorded":
      return event.body.verification.backup_id;
    case "drill_recorded":
      return event.body.drill.backup_id;
    case "command_changed":
      return event.body.command_id;
    case "aomei_entry":
    case "aomei_task_seen":
      return event.body.task_guid ?? event.body.task_name;
    case "aomei_source_state":
      return event.body.source;
    case "aomei_image":
      return event.body.path;
    default:
      return null;
  }
}

/** What is kept of the body of an event that was applied: not once more what became rows of its own. */
export function keptBody(event: AnyEvent, body: Record<string, unknown>): Record<string, unknown> {
  if (event.kind === "inventory") {
    const { at, covers, repositories, items } = event.body;
    return { at, ...(covers && { covers }), repositories: repositories.length, items: items.length };
  }
  if (event.kind === "backups_listed") return { ...body, backup_ids: event.body.backup_ids.length };
  if (event.kind === "items_listed") return { ...body, vm_context_ids: event.body.vm_context_ids.length };
  if (event.kind !== "backup_recorded") return body;
  const { backup_id, vm_context_id, disk_id, backup_type, digest, hash_map } = event.body.sidecar;
  const sidecar = { backup_id, vm_context_id, disk_id, backup_type, digest, hash_map: { sha256: hash_map.sha256 } };
  return { ...event.body, sidecar };
}
