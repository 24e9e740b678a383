/** A backup as the controller knows it: asked for, running, recorded, removed. Only what was recorded is completed. */
import type { BackupType, EventBody, Problem, Sidecar, SidecarBody } from "@holdfast/protocol";

export type Backup = {
  agentId: string;
  backupId: string;
  repositoryId: string;
  vmContextId: string;
  vmName: string;
  diskId: number;
  backupType: BackupType;
  status: "pending" | "running" | "completed" | "failed" | "cancelled";
  restorePointId: string | null;
  fullBackupId: string | null;
  parentBackupId: string | null;
  chainNumber: number | null;
  chainPosition: number | null;
  filePath: string | null;
  bytesTransferred: number;
  totalBytes: number;
  fileSizeBytes: number | null;
  hashMapSha256: string | null;
  consistency: SidecarBody["consistency"] | null;
  sidecar: Sidecar | null;
  runId: string | null;
  commandId: string | null;
  error: Problem | null;
  policyId: string | null;
  tags: Record<string, string>;
  pinned: boolean;
  pinReason: string | null;
  createdAt: Date;
  startedAt: Date | null;
  completedAt: Date | null;
  removedAt: Date | null;
  removedReason: string | null;
  /** When this controller first heard of it, by its own clock; null: it has only been asked for. */
  recordedAt: Date | null;
};

/** What was asked for under a command begins with the run that the command led to. */
export function backupBegun(backup: Backup, run: EventBody<"run_started">): Backup {
  const begun = { status: "running", runId: run.run_id, startedAt: new Date(run.started_at) } as const;
  return { ...backup, ...begun, error: null, completedAt: null };
}

/** It was asked for, and will not be made. */
export function backupNotMade(backup: Backup, status: "failed" | "cancelled", error: Problem, at: Date): Backup {
  return { ...backup, status, error, completedAt: at };
}

export type Recorded = { backup: Backup } | { problem: string };

/**
 * The first digest of a backup's hash map holds for ever: who tells another one later does not change what is known.
 * A backup that was told to be removed and is told again with the same digest is there after all.
 */
export function backupRecorded(
  known: Backup | undefined,
  told: EventBody<"backup_recorded">,
  { agentId, now }: { agentId: string; now: Date },
): Recorded {
  const { sidecar } = told;
  const first = known?.hashMapSha256 ?? null;
  if (first !== null && first !== sidecar.hash_map.sha256)
    return {
      problem: `${sidecar.backup_id} was recorded with the hash map ${first}, now ${sidecar.hash_map.sha256} is told`,
    };
  return {
    backup: {
      ...asked(known, told),
      ...ofSidecar(sidecar),
      agentId,
      repositoryId: told.repository_id,
      filePath: told.file_path,
      pinned: told.pinned,
      pinReason: told.pinned ? (known?.pinReason ?? null) : null,
      removedAt: null,
      removedReason: null,
      recordedAt: known?.recordedAt ?? now,
    },
  };
}

function asked(known: Backup | undefined, told: EventBody<"backup_recorded">) {
  return {
    runId: told.run_id ?? known?.runId ?? null,
    commandId: known?.commandId ?? null,
    policyId: told.sidecar.policy_id ?? known?.policyId ?? null,
    tags: told.sidecar.tags ?? known?.tags ?? {},
    createdAt: known?.createdAt ?? new Date(told.sidecar.created_at),
    error: null,
  };
}

function ofSidecar(sidecar: Sidecar) {
  return {
    backupId: sidecar.backup_id,
    vmContextId: sidecar.vm_context_id,
    vmName: sidecar.vm_name,
    diskId: sidecar.disk_id,
    backupType: sidecar.backup_type,
    status: sidecar.status,
    restorePointId: sidecar.restore_point_id,
    fullBackupId: sidecar.full_backup_id,
    parentBackupId: sidecar.parent_backup_id,
    chainNumber: sidecar.chain_number ?? null,
    chainPosition: sidecar.chain_position,
    bytesTransferred: sidecar.bytes_transferred,
    totalBytes: sidecar.total_bytes,
    fileSizeBytes: sidecar.file_size_bytes,
    hashMapSha256: sidecar.hash_map.sha256,
    consistency: sidecar.consistency,
    sidecar,
    startedAt: new Date(sidecar.started_at),
    completedAt: new Date(sidecar.completed_at),
  };
}

/** It is no more: the first reason holds. One that was never completed stays what it was. */
export function backupRemoved(backup: Backup, told: EventBody<"backup_removed">): Backup | null {
  if (backup.removedAt !== null) return null;
  return { ...backup, removedAt: new Date(told.removed_at), removedReason: told.reason };
}

/** Why a backup that was asked for was not made, by the end of the run that should have made it. */
export function endOfUnmade(
  backup: Backup,
  end: EventBody<"run_finished">,
  made: readonly Backup[],
): { status: "failed" | "cancelled"; error: Problem } {
  const instead = made.find(({ diskId, runId }) => diskId === backup.diskId && runId === backup.runId);
  if (instead !== undefined) {
    const message = `its id was taken on the host; the backup was recorded as ${instead.backupId}`;
    return { status: "cancelled", error: { code: "RECORDED_AS_OTHER", message, remedy: null } };
  }
  const unsaid: Problem = {
    code: end.state === "lost" ? "RUN_LOST" : "NOT_MADE",
    message: end.state === "lost" ? "its run ended without a word" : "its run ended without this backup",
    remedy: null,
  };
  return { status: end.state === "cancelled" ? "cancelled" : "failed", error: end.error ?? unsaid };
}
