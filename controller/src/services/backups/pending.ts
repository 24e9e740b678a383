import type { BackupRow } from "./find.ts";

type Wished = Pick<
  BackupRow,
  | "agentId"
  | "backupId"
  | "repositoryId"
  | "vmContextId"
  | "vmName"
  | "diskId"
  | "backupType"
  | "restorePointId"
  | "commandId"
  | "policyId"
  | "tags"
  | "createdAt"
>;

/** A backup that was asked for and of which nothing else is known. */
export function pendingBackup(wished: Wished): BackupRow {
  return {
    ...wished,
    status: "pending",
    fullBackupId: null,
    parentBackupId: null,
    chainNumber: null,
    chainPosition: null,
    filePath: null,
    bytesTransferred: 0,
    totalBytes: 0,
    fileSizeBytes: null,
    hashMapSha256: null,
    consistency: null,
    sidecar: null,
    runId: null,
    error: null,
    pinned: false,
    pinReason: null,
    startedAt: null,
    completedAt: null,
    removedAt: null,
    removedReason: null,
    recordedAt: null,
  };
}
