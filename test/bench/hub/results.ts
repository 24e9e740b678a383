/** What a host tells of one backup: its run begins, the backup is recorded, the run ends. */
import { createHash, randomBytes } from "node:crypto";
import { type EventEnvelope, type SidecarBody, sealSidecar } from "@holdfast/protocol";
import { v7 as uuidv7 } from "uuid";

/** Backups end as they are told of, and took up to so long: in order of their beginning they come in disorder. */
const LONGEST_MS = 600_000;
const DIGEST = createHash("sha256").update("bench").digest("hex");
let counted = 0;

export const EVENTS_OF_RESULT = 3;
/** As many as hosts of a large fleet have; each gets more backups within a minute than others in months. */
const ITEMS = 10;

/** Events numbered after `seq`, of backups that nobody has told of before. */
export function results(seq: number, count: number): EventEnvelope[] {
  return Array.from({ length: count }, (_, index) => oneResult(seq + index * EVENTS_OF_RESULT)).flat();
}

function oneResult(seq: number): EventEnvelope[] {
  counted += 1;
  const item = `vm-${counted % ITEMS}`;
  const now = Date.now();
  const startedAt = new Date(now - Math.random() * LONGEST_MS).toISOString();
  const endedAt = new Date(now).toISOString();
  const stamp = startedAt.replaceAll(/[-:]|\..*/g, "").replace("T", "-");
  const runId = `run-${stamp}-backup-${randomBytes(4).toString("hex")}`;
  const backupId = `backup-web-disk0-${stamp}-${counted}`;
  const placed = { repository_id: "main", run_id: runId };
  const bodies: [string, object][] = [
    [
      "run_started",
      { ...placed, run_kind: "backup", vm_context_id: item, subject: null, command_id: null, started_at: startedAt },
    ],
    [
      "backup_recorded",
      {
        ...placed,
        told_again: false,
        file_path: `/r/${backupId}.qcow2`,
        pinned: false,
        sidecar: sidecarOf(backupId, item, { startedAt, endedAt }),
      },
    ],
    ["run_finished", { run_id: runId, state: "completed", outcome: "fine", error: null, ended_at: endedAt }],
  ];
  return bodies.map(([kind, body], index) => envelope(seq + index + 1, kind, body));
}

/** What a host tells first: the disks that it protects, and where to. */
export function inventory(seq: number): EventEnvelope {
  const repository = { repository_id: "main", path: "/r", kind: "local", encryption: false };
  const disk = { disk_id: 0, source: { kind: "file", path: "/vm/disk.raw", format: "raw", write_bitmap: false } };
  const item = { vm_name: "web", repository_id: "main", disks: [disk], compression: "none" };
  const items = Array.from({ length: ITEMS }, (_, index) => ({ ...item, vm_context_id: `vm-${index}` }));
  return envelope(seq, "inventory", {
    at: new Date().toISOString(),
    repositories: [{ ...repository, origin: "host", state: "ready", state_reason: null, free_bytes: 1e12 }],
    items: items.map((each) => ({ ...each, cluster_size: 65_536, tags: {}, origin: "host" })),
    tools: { "qemu-img": "7.2.0" },
    time_zone: "Europe/Berlin",
  });
}

function envelope(seq: number, kind: string, body: object): EventEnvelope {
  return { seq, event_id: uuidv7(), kind, at: new Date().toISOString(), body: body as Record<string, unknown> };
}

function sidecarOf(backupId: string, item: string, { startedAt, endedAt }: { startedAt: string; endedAt: string }) {
  const body: SidecarBody = {
    schema: "holdfast.backup/1",
    backup_id: backupId,
    ...{
      vm_context_id: item,
      vm_name: "web",
      disk_id: 0,
      restore_point_id: backupId.slice("backup-".length),
      restore_point_disks: [0],
    },
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
    ...{ created_at: startedAt, started_at: startedAt, completed_at: endedAt, duration_seconds: 1 },
    written_by: { holdfast: "0.1.0", qemu: "7.2" },
  };
  return sealSidecar(body);
}
