import { z } from "@hono/zod-openapi";
import type { ProvenBackup } from "../../services/backups/find.ts";
import { count, iso, isoOrNull, labels, time } from "./common.ts";

const verificationSummary = z.strictObject({
  verification_id: z.string(),
  status: z.enum(["passed", "failed", "error", "skipped"]),
  cached: z
    .boolean()
    .openapi({ description: "true: read through the page cache, so the medium itself is not proven." }),
  verified_at: time,
});

const drillSummary = z.strictObject({
  drill_id: z.string(),
  status: z.enum(["passed", "failed", "inconclusive", "skipped"]),
  level: z.string(),
  restore_seconds: z.number().nullable(),
  drilled_at: time,
});

const checksum = z.strictObject({
  algorithm: z.literal("sha256"),
  hash_map: z.string().openapi({ description: "Of the hash map, as it was first recorded." }),
  file: z.string().nullable(),
  file_scope: z.enum(["whole", "metadata"]).nullable(),
});

export const backupBody = z
  .strictObject({
    backup_id: z.string(),
    agent_id: z.uuid(),
    vm_context_id: z.string(),
    vm_name: z.string(),
    disk_id: z.number().int(),
    backup_type: z.enum(["full", "incremental"]),
    repository_id: z.string(),
    policy_id: z.string().nullable(),
    status: z.enum(["pending", "running", "completed", "failed", "cancelled"]),
    file_path: z.string().nullable(),
    nbd_export_name: z.string().nullable(),
    bytes_transferred: count,
    total_bytes: count,
    file_size_bytes: count.nullable(),
    parent_backup_id: z.string().nullable(),
    full_backup_id: z.string().nullable(),
    chain_number: z.number().int().nullable(),
    chain_position: z.number().int().nullable(),
    restore_point_id: z.string().nullable(),
    change_id: z.string().nullable(),
    reason: z.string().nullable().openapi({ description: "Why it is of this type." }),
    error_message: z.string().nullable(),
    error_code: z.string().nullable(),
    created_at: time,
    started_at: time.nullable(),
    completed_at: time.nullable(),
    tags: labels,
    pinned: z.boolean(),
    pin_reason: z.string().nullable(),
    command_id: z.string().nullable(),
    run_id: z.string().nullable(),
    consistency: z.enum(["offline", "crash-consistent", "filesystem-frozen"]).nullable(),
    checksum: checksum.nullable(),
    verification: verificationSummary.nullable().openapi({ description: "The newest one, whatever it found." }),
    drill: drillSummary.nullable().openapi({ description: "The newest one, whatever it found." }),
  })
  .openapi("Backup");

type BackupBody = z.input<typeof backupBody>;

/** A backup as the API tells it. */
export function toBackup({ row, verification, drill }: ProvenBackup): BackupBody {
  const { sidecar } = row;
  return {
    ...identity(row),
    policy_id: row.policyId,
    status: row.status,
    file_path: row.filePath,
    nbd_export_name: null,
    bytes_transferred: row.bytesTransferred,
    total_bytes: row.totalBytes,
    file_size_bytes: row.fileSizeBytes,
    change_id: sidecar?.change_id ?? null,
    reason: sidecar?.reason ?? null,
    error_message: row.error?.message ?? null,
    error_code: row.error?.code ?? null,
    created_at: iso(row.createdAt),
    started_at: isoOrNull(row.startedAt),
    completed_at: isoOrNull(row.completedAt),
    tags: row.tags,
    pinned: row.pinned,
    pin_reason: row.pinReason,
    command_id: row.commandId,
    run_id: row.runId,
    consistency: row.consistency,
    checksum: toChecksum(row),
    verification: toVerification(verification),
    drill: toDrill(drill),
  };
}

function identity(row: ProvenBackup["row"]) {
  return {
    backup_id: row.backupId,
    agent_id: row.agentId,
    vm_context_id: row.vmContextId,
    vm_name: row.vmName,
    disk_id: row.diskId,
    backup_type: row.backupType,
    repository_id: row.repositoryId,
    parent_backup_id: row.parentBackupId,
    full_backup_id: row.fullBackupId,
    chain_number: row.chainNumber,
    chain_position: row.chainPosition,
    restore_point_id: row.restorePointId,
  };
}

function toChecksum({ hashMapSha256, sidecar }: ProvenBackup["row"]): BackupBody["checksum"] {
  if (hashMapSha256 === null) return null;
  const file = sidecar?.file_digest ?? null;
  return { algorithm: "sha256", hash_map: hashMapSha256, file: file?.sha256 ?? null, file_scope: file?.scope ?? null };
}

function toVerification(verification: ProvenBackup["verification"]): BackupBody["verification"] {
  if (verification === null) return null;
  const { verificationId, status, cached, verifiedAt } = verification;
  return { verification_id: verificationId, status, cached, verified_at: iso(verifiedAt) };
}

function toDrill(drill: ProvenBackup["drill"]): BackupBody["drill"] {
  if (drill === null) return null;
  const { drillId, status, level, restoreSeconds, drilledAt } = drill;
  return { drill_id: drillId, status, level, restore_seconds: restoreSeconds, drilled_at: iso(drilledAt) };
}
