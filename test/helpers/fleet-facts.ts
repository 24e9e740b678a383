/** What a fleet's agents tell: batches of facts, each named by its number, so that both ends can be compared. */
import { createHash } from "node:crypto";
import { type AnyEvent, type SidecarBody, sealSidecar } from "../../protocol/src/index.ts";

const AT = "2026-03-01T03:00:00.000Z";
const DIGEST = createHash("sha256").update("fleet").digest("hex");

/** `agent`: 0 to 255; `number`: from 1 on, never used twice. */
export type FactSource = { agent: number; number: number };

export function runIdOf({ agent, number }: FactSource): string {
  return `run-20260301-030000-backup-${hex(agent, 2)}${hex(number, 6)}`;
}

export function backupIdOf({ agent, number }: FactSource): string {
  return `backup-host${agent}-disk0-20260301-030000-${number}`;
}

export function verificationIdOf({ agent, number }: FactSource): string {
  return `verification-${agent}-${number}`;
}

/** Every third is only a run that failed; of the others every second is verified as well. */
export function batchOf(source: FactSource): AnyEvent[] {
  const { number } = source;
  if (number % 3 === 0) return [started(source), finished(source, "failed")];
  const made = [started(source), recorded(source, false), finished(source, "completed")];
  return number % 2 === 0 ? [...made, verified(source, false)] : made;
}

/** The same as it is told again, after the controller or the agent came back from an older copy. */
export function toldAgain(source: FactSource): AnyEvent[] {
  return batchOf(source).map((event) =>
    event.kind === "backup_recorded"
      ? recorded(source, true)
      : event.kind === "verification_recorded"
        ? verified(source, true)
        : event,
  );
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function started(source: FactSource): AnyEvent {
  const body = { run_id: runIdOf(source), run_kind: "backup" as const, vm_context_id: `vm-${source.agent}` };
  return {
    kind: "run_started",
    body: { ...body, subject: null, repository_id: "main", command_id: null, started_at: AT },
  };
}

function finished(source: FactSource, state: "completed" | "failed"): AnyEvent {
  const error = state === "failed" ? { code: "IO_ERROR", message: "the disk went away", remedy: null } : null;
  const outcome = state === "failed" ? null : "fine";
  return { kind: "run_finished", body: { run_id: runIdOf(source), state, outcome, error, ended_at: AT } };
}

function recorded(source: FactSource, again: boolean): AnyEvent {
  const backupId = backupIdOf(source);
  const placed = { repository_id: "main", run_id: runIdOf(source), told_again: again, pinned: false };
  return {
    kind: "backup_recorded",
    body: { ...placed, file_path: `/r/${backupId}.qcow2`, sidecar: sealSidecar(sidecarBody(source)) },
  };
}

function verified(source: FactSource, again: boolean): AnyEvent {
  const verification = {
    ...{
      verification_id: verificationIdOf(source),
      backup_id: backupIdOf(source),
      parts: [],
      status: "passed" as const,
    },
    ...{ reason: "all of it", cached: false, bytes_checked: 1, findings: [], findings_total: 0 },
    ...{ started_at: AT, verified_at: AT, duration_seconds: 1 },
  };
  const placed = { repository_id: "main", run_id: null, told_again: again };
  return { kind: "verification_recorded", body: { ...placed, verification } };
}

function sidecarBody(source: FactSource): SidecarBody {
  const backupId = backupIdOf(source);
  return {
    schema: "holdfast.backup/1",
    backup_id: backupId,
    ...{ vm_context_id: `vm-${source.agent}`, vm_name: `host${source.agent}`, disk_id: 0, restore_point_id: backupId },
    ...{ restore_point_disks: [0], repository_id: "main", backup_type: "full", status: "completed" },
    ...{ file_name: `${backupId}.qcow2`, full_backup_id: backupId, parent_backup_id: null, chain_position: 0 },
    ...{ chain_number: source.number, reason: "a test", change_detection: { method: "all-data", reason: "a full" } },
    ...{ consistency: "offline", source: { kind: "file", description: "/vm/disk.raw", format: "raw" } },
    ...{ total_bytes: 1_000_000, bytes_transferred: 500_000, file_size_bytes: 400_000 },
    file_digest: { scope: "whole", sha256: DIGEST },
    hash_map: {
      ...{ file_name: `${backupId}.map`, sha256: DIGEST, size_bytes: 100, block_size: 65_536, data_blocks: 8 },
      encrypted: false,
    },
    image: { format: "qcow2", cluster_size: 65_536, compression: "none", encryption: null },
    ...{ created_at: AT, started_at: AT, completed_at: AT, duration_seconds: 1 },
    written_by: { holdfast: "0.1.0", qemu: "7.2" },
  };
}
