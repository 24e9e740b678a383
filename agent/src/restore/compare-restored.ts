/** Proving a restored disk equal to what was backed up, without the source. */
import type { Verification } from "@holdfast/protocol";
import type { BlockNode, StorageDaemon } from "../qemu/daemon.ts";
import { fileNode } from "../qemu/graph.ts";
import type { CatalogueDisk } from "../repository/catalogue.ts";
import { compareWithMap } from "../verifiers/compare.ts";
import { openBackupMap } from "../verifiers/content.ts";
import { createFindingList } from "../verifiers/finding-list.ts";
import { directRawReader } from "./direct-reader.ts";
import type { BackupKeys } from "./keys.ts";
import { wholeLine } from "./line.ts";
import { openExport } from "./point.ts";

export type RestoredImage = { path: string; format: "raw" | "qcow2"; isDevice?: boolean };

export type CompareRestoredOptions = {
  keys: BackupKeys | null;
  signal?: AbortSignal | undefined;
  onProgress?: ((bytesRead: number) => void) | undefined;
};

export type RestoredComparison = Pick<Verification, "findings" | "findings_total" | "cached"> & { bytesRead: number };

/**
 * Compares a restored disk with the hash map of its backup, past the page cache where that is possible. No findings:
 * it is what was backed up. Throws MAP_DAMAGED, ENCRYPTION_NOT_READY, CANCELLED, NBD's and QEMU's own errors.
 */
export async function compareRestored(
  disk: CatalogueDisk,
  backupId: string,
  image: RestoredImage,
  options: CompareRestoredOptions,
): Promise<RestoredComparison> {
  const { keys, signal, onProgress } = options;
  const { backup } = wholeLine(disk, backupId);
  const findings = createFindingList();
  await using map = await openBackupMap(disk, backup, keys, false);
  const add = (daemon: StorageDaemon, direct: boolean) => daemon.addNode(restoredNode(image, direct));
  await using opened = await openExport({ name: "restored", paths: [image.path], add, signal });
  const direct = image.format === "raw" && !opened.cached;
  const reader = direct ? await directRawReader(image.path, backup.total_bytes) : undefined;
  const { bytesRead } = await compareWithMap({ endpoint: opened.endpoint, reader, map, findings, signal, onProgress });
  return { bytesRead, cached: opened.cached, findings: findings.kept(), findings_total: findings.total() };
}

function restoredNode({ path, format, isDevice = false }: RestoredImage, direct: boolean): BlockNode {
  const file = fileNode(path, { direct, readOnly: true }, isDevice ? "host_device" : "file");
  const backing = format === "qcow2" ? { backing: null } : {};
  return { driver: format, "node-name": "restored", "read-only": true, file, ...backing };
}
