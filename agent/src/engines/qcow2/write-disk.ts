import { stat } from "node:fs/promises";
import { PARTIAL } from "../../durable.ts";
import { digestImageFile, type FileDigest } from "../../qemu/file-digest.ts";
import { imageName, imagePath, mapPath } from "../../repository/layout.ts";
import type { BackupProgress, ImageOptions } from "../engine.ts";
import { type ScanJob, type Scanned, scanChanges } from "./changes.ts";
import { copyMarked } from "./copy.ts";
import { type Marker, startMarker } from "./marker.ts";
import type { Parent } from "./parent.ts";
import { dataRanges, wholeBlocks } from "./ranges.ts";
import type { DiskSession } from "./session.ts";
import { SOURCE_NODE } from "./source.ts";
import { closeTarget, createTarget } from "./target.ts";

const SMALL_CLUSTER = 65_536;

export type DiskJob = {
  session: DiskSession;
  /** The disk's folder in the repository. */
  folder: string;
  backupId: string;
  /** null: a full. */
  parent: Parent | null;
  image: ImageOptions;
  speedLimit?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress: (progress: Omit<BackupProgress, "diskId">) => void;
};

/** A disk's backup as it lies in its `.partial` files: complete, closed, not yet synced and not yet visible. */
export type WrittenDisk = Scanned & {
  fileSize: number;
  fileDigest: FileDigest;
  clusterSize: number;
  qemuVersion: string;
};

/** A full: QEMU copies all data while our workers hash the same frozen source. */
async function writeFull(job: DiskJob, scan: ScanJob, ready: Promise<Marker>): Promise<Scanned> {
  const marker = await ready;
  const { client, size } = job.session;
  for await (const range of wholeBlocks(dataRanges(client), size)) await marker.mark(range);
  const bitmap = await marker.applyTo(SOURCE_NODE);
  const stop = new AbortController();
  const signal = job.signal ? AbortSignal.any([job.signal, stop.signal]) : stop.signal;
  const giveUp = (error: unknown): never => {
    stop.abort();
    throw error;
  };
  const copying = copyBitmap({ ...job, signal }, bitmap).catch(giveUp);
  const scanning = scanChanges({ ...scan, signal, marker: null }).catch(giveUp);
  // Both have to end before the daemon may: the first failure is the reason, the other only its echo.
  const [copied, scanned] = await Promise.allSettled([copying, scanning]);
  if (copied.status === "rejected" && !isEcho(copied.reason, scanned)) throw copied.reason;
  if (scanned.status === "rejected") throw scanned.reason;
  if (copied.status === "rejected") throw copied.reason;
  return scanned.value;
}

function isEcho(reason: unknown, other: PromiseSettledResult<unknown>): boolean {
  return other.status === "rejected" && (reason as { code?: unknown } | undefined)?.code === "CANCELLED";
}

/** An increment: our workers look for changes while the image is still being made, then QEMU copies what they found. */
async function writeIncrement(job: DiskJob, scan: ScanJob, ready: Promise<Marker>): Promise<Scanned> {
  // A failure of it is heard with the first segment; until then it must not count as unhandled.
  const settled = ready.catch(() => undefined);
  try {
    const scanned = await scanChanges({ ...scan, marker: ready });
    await copyBitmap(job, await (await ready).applyTo(SOURCE_NODE));
    return scanned;
  } finally {
    // What is made after a failed job was tidied up would stay.
    await settled;
  }
}

async function copyBitmap(job: DiskJob, bitmap: string): Promise<void> {
  await copyMarked(job.session.daemon, {
    bitmap,
    compress: job.image.compression === "zstd",
    speedLimit: job.speedLimit,
    signal: job.signal,
    onProgress: ({ done, total }) => job.onProgress({ phase: "copy", done, total }),
  });
}

/** Makes the image, and the marker of what will be copied into it. */
async function prepareTarget({ session, folder, backupId, image, parent }: DiskJob, clusterSize: number) {
  const path = imagePath(folder, backupId) + PARTIAL;
  // Beside a name in the header QEMU refuses the explicit graph that a chain of LUKS containers needs.
  const backingName = parent === null || image.key !== null ? null : imageName(parent.sidecar.backup_id);
  await createTarget(session.daemon, { path, size: session.size, image, clusterSize, backingName });
  return await startMarker(session.daemon, session.size);
}

/** Writes image and map of one disk into `.partial` files. The journal of the job must exist before this. */
export async function writeDisk(job: DiskJob): Promise<WrittenDisk> {
  const { session, folder, backupId, image, parent } = job;
  const path = imagePath(folder, backupId) + PARTIAL;
  const clusterSize = parent === null ? (image.clusterSize ?? SMALL_CLUSTER) : SMALL_CLUSTER;
  const scan: ScanJob = {
    session,
    mapPath: mapPath(folder, backupId) + PARTIAL,
    key: image.key,
    parent,
    marker: null,
    speedLimit: job.speedLimit,
    signal: job.signal,
    onProgress: (done, total) => job.onProgress({ phase: "scan", done, total }),
  };
  const ready = prepareTarget(job, clusterSize);
  const scanned = await (parent === null ? writeFull : writeIncrement)(job, scan, ready);
  job.onProgress({ phase: "finish", done: 0, total: 1 });
  await closeTarget(session.daemon, image.key);
  const quitting = session.daemon.quit();
  quitting.catch(() => undefined);
  // Compressed and encrypted clusters have bytes that no guest sees, so these files are covered end to end.
  const scope = image.compression === "none" && image.key === null ? "metadata" : "whole";
  const fileDigest = await digestImageFile(path, scope);
  await quitting;
  const { size: fileSize } = await stat(path);
  job.onProgress({ phase: "finish", done: 1, total: 1 });
  return { ...scanned, fileSize, fileDigest, clusterSize, qemuVersion: session.daemon.qmp.version };
}
