/** A run of the ledger as events (pure). */
import type { AnyEvent } from "@holdfast/protocol";
import type { EndedRecord, RunRecord } from "../run-record.ts";

export function startedEvent(record: RunRecord): AnyEvent {
  const { run_id, kind, item, subject, repository_id = null, command_id = null, scheduled = null, started_at } = record;
  const about = { run_id, run_kind: kind, vm_context_id: item, subject, repository_id, command_id };
  const body = { ...about, scheduled, started_at };
  return { kind: "run_started", body };
}

export function finishedEvent(record: EndedRecord): AnyEvent {
  const { run_id, state, ended_at } = record;
  const outcome = record.state === "completed" ? record.outcome : null;
  const error = record.state === "completed" ? null : record.error;
  return { kind: "run_finished", body: { run_id, state, outcome, error, ended_at } };
}
