import type { SidecarBody } from "@holdfast/protocol";
import { BLOCK_SIZE } from "../../blockmap/segment.ts";
import type { Decision } from "../../repository/due.ts";
import { imageName, mapName } from "../../repository/layout.ts";
import { agentVersion } from "../../version.ts";
import type { BackupRequest } from "../engine.ts";
import type { PreparedDisk } from "./prepare.ts";
import type { FrozenPoint, OpenSource } from "./source.ts";
import type { WrittenDisk } from "./write-disk.ts";

/** All that is known of a disk's backup once its files are written. */
export type Written = {
  prepared: PreparedDisk;
  source: OpenSource;
  decision: Decision;
  size: number;
  written: WrittenDisk;
};

/** What is the same for all disks of a restore point. */
export type PointFacts = {
  request: BackupRequest;
  restorePointId: string;
  consistency: FrozenPoint["consistency"];
  startedAt: Date;
  completedAt: Date;
  /** Seconds, by a clock that never jumps. */
  durationSeconds: number;
};

function describeImage({ image: { key, compression } }: BackupRequest, written: WrittenDisk): SidecarBody["image"] {
  const encryption = key && { layout: "luks" as const, key_id: key.keyId, recovery_key_id: key.recoveryKeyId };
  return { format: "qcow2", cluster_size: written.clusterSize, compression, encryption };
}

function describeMap(backupId: string, { image }: BackupRequest, { map }: WrittenDisk): SidecarBody["hash_map"] {
  return {
    file_name: mapName(backupId),
    sha256: map.sha256,
    size_bytes: map.sizeBytes,
    block_size: BLOCK_SIZE,
    data_blocks: map.dataBlocks,
    encrypted: image.key !== null,
  };
}

/** The sidecar of a disk's backup. */
export function describeBackup(point: PointFacts, disk: Written): SidecarBody {
  const { request, startedAt, completedAt } = point;
  const { prepared, source, decision, size, written } = disk;
  const id = prepared.request.backupId;
  const parent = decision.type === "full" ? null : (prepared.parent?.sidecar ?? null);
  return {
    schema: "holdfast.backup/1",
    backup_id: id,
    vm_context_id: request.item.vmContextId,
    vm_name: request.item.vmName,
    disk_id: source.diskId,
    restore_point_id: point.restorePointId,
    restore_point_disks: request.item.disks.map((each) => each.diskId).sort((a, b) => a - b),
    repository_id: request.repository.repositoryId,
    backup_type: decision.type,
    status: "completed",
    file_name: imageName(id),
    full_backup_id: parent?.full_backup_id ?? id,
    parent_backup_id: parent?.backup_id ?? null,
    chain_position: parent === null ? 0 : parent.chain_position + 1,
    reason: decision.reason.text,
    change_detection: written.detection,
    consistency: point.consistency,
    source: { kind: source.kind, description: source.description, format: source.format },
    total_bytes: size,
    bytes_transferred: written.changedBytes,
    file_size_bytes: written.fileSize,
    file_digest: written.fileDigest,
    hash_map: describeMap(id, request, written),
    image: describeImage(request, written),
    created_at: startedAt.toISOString(),
    started_at: startedAt.toISOString(),
    completed_at: completedAt.toISOString(),
    duration_seconds: point.durationSeconds,
    ...(request.policyId !== undefined && { policy_id: request.policyId }),
    ...(request.tags !== undefined && { tags: request.tags }),
    written_by: { holdfast: agentVersion(), qemu: written.qemuVersion },
  };
}
