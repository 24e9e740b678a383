import { resolve } from "node:path";
import { HoldfastError } from "../errors.ts";
import { convertImage } from "../qemu/convert.ts";
import { asJsonFilename, chainNode, nbdNode } from "../qemu/graph.ts";
import type { CatalogueDisk } from "../repository/catalogue.ts";
import { compareRestored, type RestoredComparison } from "./compare-restored.ts";
import { readFailure } from "./damage.ts";
import type { BackupKeys } from "./keys.ts";
import { openPoint, type PreparedPoint, preparePoint, tryDirect } from "./point.ts";
import { openTarget, type Target } from "./target.ts";

/** Images of a chain that are given to `qemu-img` as one name: that of 700 is too long for an argument, and see chain.ts. */
const MOST_BY_NAME = 32;
const DEFAULT_TIMEOUT_MS = 7 * 24 * 3600 * 1000;

export type RestoreProgress = { doneBytes: number; totalBytes: number };

export type RestoreOptions = {
  /** A file (made when missing) or a block device. */
  target: string;
  format: "raw" | "qcow2";
  /** Whether an existing file or a block device may be overwritten. */
  overwrite?: boolean;
  keys: BackupKeys | null;
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
  onProgress?: ((progress: RestoreProgress) => void) | undefined;
  /** Bytes per second. */
  speedLimit?: number | undefined;
  /** Read the backup past the page cache where that is possible. */
  direct?: boolean;
  /** Read the result back and compare it with the backup's hash map. */
  verify?: boolean;
};

export type Restored = {
  backupId: string;
  target: string;
  diskBytes: number;
  /** Bytes of data on the disk; the rest are holes. */
  dataBytes: number;
  /** From the first look to the sync, in seconds. */
  seconds: number;
  /** With `verify`: what the result differs in from what was backed up; null when it was not asked for. */
  comparison: RestoredComparison | null;
};

/** Data on the disk of a backup, in bytes, as its hash map counts it. */
export function dataBytesOf({ hash_map, total_bytes }: PreparedPoint["backup"]): number {
  return Math.min(hash_map.data_blocks * hash_map.block_size, total_bytes);
}

/**
 * Writes a restore point's disk to a file or device, byte for byte and durably; a file appears only when it is whole.
 * Throws REPOSITORY_DAMAGED when the chain cannot be read, CONFLICT, BUSY, NO_SPACE, IO_ERROR for the target,
 * ENCRYPTION_NOT_READY, CANCELLED, TIMEOUT, TOOL_MISSING, NOT_FOUND. Nothing is left at or beside a file target then.
 */
export async function restoreDisk(disk: CatalogueDisk, backupId: string, options: RestoreOptions): Promise<Restored> {
  const { keys, signal, format, overwrite = false } = options;
  const path = resolve(options.target);
  const started = performance.now();
  const point = await preparePoint(disk, backupId, { keys, signal });
  const diskSize = point.backup.total_bytes;
  const dataBytes = dataBytesOf(point.backup);
  const target = await openTarget(path, { format, overwrite, diskSize, dataBytes });
  try {
    await convert(point, target, dataBytes, options);
    await target.finish();
  } catch (error) {
    // The partial then belongs to the other restore that holds it.
    const another = error instanceof HoldfastError && error.code === "BUSY";
    if (!another || target.inPlace) await target.abandon();
    throw error;
  }
  const seconds = (performance.now() - started) / 1000;
  const image = { path, format, isDevice: target.inPlace };
  const comparison = options.verify ? await compareRestored(disk, backupId, image, { keys, signal }) : null;
  return { backupId, target: path, diskBytes: diskSize, dataBytes, seconds, comparison };
}

async function convert(point: PreparedPoint, target: Target, totalBytes: number, options: RestoreOptions) {
  const { format, signal, speedLimit, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const onProgress = (part: number): void =>
    options.onProgress?.({ doneBytes: Math.round(part * totalBytes), totalBytes });
  const shared = { target: target.path, inPlace: target.inPlace, format, timeoutMs, signal, speedLimit, onProgress };
  try {
    if (point.layers.length <= MOST_BY_NAME) {
      await tryDirect(async (direct) => {
        const source = asJsonFilename(chainNode("point", point.layers, { direct: direct && options.direct === true }));
        await convertImage({ ...shared, source, direct, secrets: point.secrets });
      });
    } else {
      await using opened = await openPoint(point, signal);
      const source = asJsonFilename(nbdNode(opened.endpoint));
      await tryDirect((direct) => convertImage({ ...shared, source, direct })).catch(async (error: unknown) => {
        throw await opened.explain(error);
      });
    }
  } catch (error) {
    throw readFailure(error, point.backup.file_name);
  }
}
