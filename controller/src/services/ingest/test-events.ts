/** Events as agents write them, for tests. */
import { createHash, randomUUID } from "node:crypto";
import {
  type AnyEvent,
  type EventBody,
  type EventEnvelope,
  type EventKind,
  type Sidecar,
  sealSidecar,
} from "@holdfast/protocol";
import { pino } from "pino";
import { addAgent } from "../../store/agents.ts";
import type { Store } from "../../store/db.ts";
import type { Committed, GroupItem, Outcome } from "./group-item.ts";
import { type Ingest, openIngest } from "./ingest.ts";

export const AT = "2026-03-01T03:00:00.000Z";
export const NOW = new Date("2026-03-01T04:00:00Z");
export const silent = pino({ level: "silent" });

export async function newAgent(store: Store, name = "host"): Promise<string> {
  const agentId = randomUUID();
  const facts = { agentId, name, hostname: name, platform: "linux", version: "1", createdAt: NOW };
  await store.write((db) => addAgent(db, facts));
  return agentId;
}

export function runIdOf(text: string, kind = "backup"): string {
  return `run-20260301-030000-${kind}-${sha(text).slice(0, 8)}`;
}

export function sidecarOf(backupId: string, changes: Partial<Sidecar> = {}): Sidecar {
  return sealSidecar({
    schema: "holdfast.backup/1",
    backup_id: backupId,
    vm_context_id: "vm-1",
    vm_name: "web",
    disk_id: 0,
    restore_point_id: "point-1",
    restore_point_disks: [0],
    repository_id: "main",
    backup_type: "full",
    status: "completed",
    file_name: `${backupId}.qcow2`,
    full_backup_id: backupId,
    parent_backup_id: null,
    chain_position: 0,
    chain_number: 1,
    reason: "the first backup",
    change_detection: { method: "all-data", reason: "a full" },
    consistency: "offline",
    source: { kind: "file", description: "/vm/disk.raw", format: "raw" },
    total_bytes: 1_000_000,
    bytes_transferred: 500_000,
    file_size_bytes: 400_000,
    file_digest: { scope: "whole", sha256: sha("file") },
    hash_map: {
      file_name: `${backupId}.map`,
      sha256: sha(backupId),
      size_bytes: 100,
      block_size: 65_536,
      data_blocks: 8,
      encrypted: false,
    },
    image: { format: "qcow2", cluster_size: 65_536, compression: "none", encryption: null },
    created_at: AT,
    started_at: AT,
    completed_at: AT,
    duration_seconds: 1,
    written_by: { holdfast: "0.1.0", qemu: "7.2" },
    ...changes,
  });
}

type Of<Kind extends EventKind> = { kind: Kind; body: EventBody<Kind> };

export function started(run: string, more: Partial<EventBody<"run_started">> = {}): Of<"run_started"> {
  const body = { run_id: runIdOf(run), run_kind: "backup", vm_context_id: "vm-1", subject: null } as const;
  return {
    kind: "run_started",
    body: { ...body, repository_id: "main", command_id: null, started_at: AT, ...more },
  };
}

export function finished(run: string, more: Partial<EventBody<"run_finished">> = {}): Of<"run_finished"> {
  const body = { run_id: runIdOf(run), state: "completed", outcome: "fine", error: null, ended_at: AT } as const;
  return { kind: "run_finished", body: { ...body, ...more } };
}

export function recorded(
  backupId: string,
  more: Partial<Sidecar> = {},
  placed: Partial<EventBody<"backup_recorded">> = {},
): Of<"backup_recorded"> {
  const sidecar = sidecarOf(backupId, more);
  const at = { repository_id: "main", run_id: null, told_again: false, file_path: `/r/${backupId}.qcow2` };
  return { kind: "backup_recorded", body: { ...at, sidecar, pinned: false, ...placed } };
}

export function logged(message: string): Of<"log"> {
  return { kind: "log", body: { level: "info", code: "NOTED", message, at: AT } };
}

export function told(
  commandId: string,
  state: EventBody<"command_changed">["state"],
  more: Partial<EventBody<"command_changed">> = {},
): Of<"command_changed"> {
  const body = { command_id: commandId, state, run_ids: [], result: null, error: null, at: AT };
  return { kind: "command_changed", body: { ...body, ...more } };
}

export function envelope(seq: number, event: AnyEvent | { kind: string; body: object }): EventEnvelope {
  return { seq, event_id: randomUUID(), kind: event.kind, at: AT, body: event.body as Record<string, unknown> };
}

/** Numbered from `first` on. */
export function envelopes(first: number, ...events: readonly (AnyEvent | { kind: string; body: object })[]) {
  return events.map((event, index) => envelope(first + index, event));
}

export type Speaker = {
  agentId: string;
  epoch: string;
  resume: (afterSeq?: number, gap?: { from_seq: number; to_seq: number }) => Promise<Outcome>;
  send: (events: readonly EventEnvelope[]) => Promise<Outcome>;
};

/** An agent that speaks to ingest without a socket. */
export function speaker(ingest: Ingest, agentId: string, epoch: string = randomUUID()): Speaker {
  const { signal } = new AbortController();
  const hello = {
    protocols: [1, 1] as [number, number],
    agent_version: "2",
    hostname: "host.example",
    platform: "linux",
    boot_id: randomUUID(),
    clock: NOW.toISOString(),
    spool: { acknowledged: { epoch, seq: 0, event_id: null }, last_seq: 0 },
    policy_version: 0,
  };
  const submit = (item: GroupItem) => ingest.submit(item, 1000, signal);
  return {
    agentId,
    epoch,
    resume: (afterSeq = 0, gap) =>
      submit({
        type: "resumption",
        agentId,
        hello,
        resume: {
          epoch,
          after_seq: afterSeq,
          reason: gap === undefined ? "in-step" : "controller-behind",
          gap: gap === undefined ? null : { epoch, ...gap },
        },
      }),
    send: (events) => submit({ type: "batch", agentId, epoch, events }),
  };
}

export type IngestBench = { ingest: Ingest; committed: Committed[] };

export function ingestOn(store: Store): IngestBench {
  const committed: Committed[] = [];
  const onCommitted = (events: Committed[]) => committed.push(...events);
  const ingest = openIngest({ store, now: () => NOW, log: silent, onCommitted }, { gatherMs: 1 });
  return { ingest, committed };
}

function sha(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
