/** `chain.json`: the contract's chain document for people and scripts. Derived, so that it may be lost or rebuilt. */
import { join } from "node:path";
import type { Finding, Sidecar } from "@holdfast/protocol";
import { removeDurably, writeDurably } from "../durable.ts";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import { type CatalogueDisk, currentChain } from "./catalogue.ts";
import { isMissing, jsonText, readSmallFile } from "./files.ts";
import { CHAIN_FILE } from "./layout.ts";

type Chained = Pick<CatalogueDisk, "disk" | "folder" | "chains">;

/** The text of a disk's `chain.json`; undefined when the disk has no chain. Pure. */
function chainText(disk: Chained): string | undefined {
  const chain = currentChain(disk);
  const tip = chain?.backups.at(-1);
  if (chain === undefined || tip === undefined) return undefined;
  return jsonText({
    chain_id: `${disk.disk.vmContextId}-disk${disk.disk.diskId}-chain`,
    vm_context_id: disk.disk.vmContextId,
    vm_name: tip.vm_name,
    disk_id: disk.disk.diskId,
    repository_id: tip.repository_id,
    full_backup_id: chain.fullBackupId,
    backups: chain.backups.map(listedBackup),
    total_size_bytes: chain.backups.reduce((sum, backup) => sum + backup.file_size_bytes, 0),
    backup_count: chain.backups.length,
    chains: disk.chains.map(({ fullBackupId, closed, backups }) => ({
      full_backup_id: fullBackupId,
      closed,
      backup_ids: backups.map((backup) => backup.backup_id),
    })),
  });
}

/** Whether the file in the folder says what the sidecars say. */
export async function chainFileIsCurrent(disk: Chained): Promise<boolean> {
  return (await readText(join(disk.folder, CHAIN_FILE))) === chainText(disk);
}

/** Rewrites the file when it differs; true when it did. A file without any chain left is removed. */
export async function refreshChainFile(disk: Chained): Promise<boolean> {
  if (await chainFileIsCurrent(disk)) return false;
  const text = chainText(disk);
  const path = join(disk.folder, CHAIN_FILE);
  if (text === undefined) await removeDurably(path);
  else await writeDurably(path, text);
  return true;
}

/** As `refreshChainFile`; where there is no room for it that is a finding, for a full disk must not stop a removal. */
export async function refreshIfRoom(disk: CatalogueDisk): Promise<{ rewritten: boolean; findings: Finding[] }> {
  try {
    return { rewritten: await refreshChainFile(disk), findings: [] };
  } catch (error) {
    const { code, message } = asHoldfastError(error, "rewriting chain.json");
    if (code !== "NO_SPACE") throw error;
    return { rewritten: false, findings: [{ code: "CHAIN_FILE_STALE", message, file: CHAIN_FILE }] };
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readSmallFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    // Rewritten over whatever stands there: the rename replaces a link itself, not what it points at.
    if (error instanceof HoldfastError && error.code === "REPOSITORY_DAMAGED") return "";
    throw error;
  }
}

/** The contract's `Backup`. The path is relative to the repository, which may be moved. */
function listedBackup(backup: Sidecar): object {
  return {
    backup_id: backup.backup_id,
    vm_context_id: backup.vm_context_id,
    vm_name: backup.vm_name,
    disk_id: backup.disk_id,
    restore_point_id: backup.restore_point_id,
    backup_type: backup.backup_type,
    repository_id: backup.repository_id,
    policy_id: backup.policy_id,
    status: backup.status,
    file_path: `${backup.vm_context_id}/disk-${backup.disk_id}/${backup.file_name}`,
    file_size_bytes: backup.file_size_bytes,
    bytes_transferred: backup.bytes_transferred,
    total_bytes: backup.total_bytes,
    parent_backup_id: backup.parent_backup_id,
    change_id: backup.change_id,
    reason: backup.reason,
    consistency: backup.consistency,
    created_at: backup.created_at,
    started_at: backup.started_at,
    completed_at: backup.completed_at,
    tags: backup.tags,
  };
}
