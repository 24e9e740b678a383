/** What a host tells of one backup: its run begins, the backup is recorded, the run ends. */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { type EventEnvelope, type SidecarBody, sealSidecar } from "@holdfast/protocol";

const AT = "2026-03-01T03:00:00.000Z";
const DIGEST = createHash("sha256").update("bench").digest("hex");
let counted = 0;

export const EVENTS_OF_RESULT = 3;

/** Events numbered after `seq`, of backups that nobody has told of before. */
export function results(seq: number, count: number): EventEnvelope[] {
  return Array.from({ length: count }, (_, index) => oneResult(seq + index * EVENTS_OF_RESULT)).flat();
}

function oneResult(seq: number): EventEnvelope[] {
  counted += 1;
  const runId = `run-20260301-030000-backup-${randomBytes(4).toString("hex")}`;
  const backupId = `backup-web-disk0-20260301-030000-${counted}`;
  const placed = { repository_id: "main", run_id: runId };
  const bodies: [string, object][] = [
    [
      "run_started",
      { ...placed, run_kind: "backup", vm_context_id: "vm-1", subject: null, command_id: null, started_at: AT },
    ],
    [
      "backup_recorded",
      { ...placed, told_again: false, file_path: `/r/${backupId}.qcow2`, pinned: false, sidecar: sidecarOf(backupId) },
    ],
    ["run_finished", { run_id: runId, state: "completed", outcome: "fine", error: null, ended_at: AT }],
  ];
  return bodies.map(([kind, body], index) => envelope(seq + index + 1, kind, body));
}

/** What a host tells first: the one disk that it protects, and where to. */
export function inventory(seq: number): EventEnvelope {
  const repository = { repository_id: "main", path: "/r", kind: "local", encryption: false };
  const disk = { disk_id: 0, source: { kind: "file", path: "/vm/disk.raw", format: "raw", write_bitmap: false } };
  const item = { vm_context_id: "vm-1", vm_name: "web", repository_id: "main", disks: [disk], compression: "none" };
  return envelope(seq, "inventory", {
    at: AT,
    repositories: [{ ...repository, origin: "host", state: "ready", state_reason: null, free_bytes: 1e12 }],
    items: [{ ...item, cluster_size: 65_536, tags: {}, origin: "host" }],
    tools: { "qemu-img": "7.2.0" },
    time_zone: "Europe/Berlin",
  });
}

function envelope(seq: number, kind: string, body: object): EventEnvelope {
  return { seq, event_id: randomUUID(), kind, at: AT, body: body as Record<string, unknown> };
}

function sidecarOf(backupId: string) {
  const body: SidecarBody = {
    schema: "holdfast.backup/1",
    backup_id: backupId,
    ...{ vm_context_id: "vm-1", vm_name: "web", disk_id: 0, restore_point_id: "p", restore_point_disks: [0] },
    ...{ repository_id: "main", backup_type: "full", status: "completed", file_name: `${backupId}.qcow2` },
    ...{ full_backup_id: backupId, parent_backup_id: null, chain_position: 0, chain_number: 1, reason: "bench" },
    change_detection: { method: "all-data", reason: "bench" },
    consistency: "offline",
    source: { kind: "file", description: "/vm/disk.raw", format: "raw" },
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
  return sealSidecar(body);
}
