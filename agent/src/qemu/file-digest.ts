import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { parseQcow2Header, QCOW2_HEADER_BYTES, type Qcow2Header } from "./header.ts";
import { clusterAt, readFully, readL1 } from "./tables.ts";

/**
 * `whole`: sha256 of the file end to end. `metadata`: sha256 of everything but the uncompressed data clusters, which
 * the hash map covers already; so together they cover every byte, and a full costs no second reading.
 */
export type FileDigest = { scope: "whole" | "metadata"; sha256: string };

const PIECE = 4 * 2 ** 20;

/** One bit for each host cluster that holds uncompressed guest data: 8 MiB for a 4 TiB image. */
type ClusterSet = { bits: Uint8Array; clusterBytes: number };

async function dataClusters(file: FileHandle, header: Qcow2Header, fileSize: number): Promise<ClusterSet> {
  const clusterBytes = 2 ** header.clusterBits;
  const bits = new Uint8Array(Math.ceil(fileSize / clusterBytes / 8) + 1);
  const entries = clusterBytes / 8;
  // The disk's last cluster may end behind the disk; those bytes are in no hash map, so the cluster counts as metadata.
  const wholeClusters = Math.floor(header.virtualSize / clusterBytes);
  const l2 = Buffer.allocUnsafeSlow(clusterBytes);
  const words = new Uint32Array(l2.buffer);
  for (const [index, offset] of (await readL1(file, header, fileSize)).entries()) {
    if (offset === 0) continue;
    await readFully(file, offset, clusterBytes, l2);
    for (let entry = 0; entry < Math.min(entries, wholeClusters - index * entries); entry++) {
      // Most of an increment's tables is nothing at all: that is seen without putting an entry together.
      if (words[entry * 2] === 0 && words[entry * 2 + 1] === 0) continue;
      // A cluster that is compressed, or hidden behind "reads as zeros", is not what the guest sees as it stands.
      const cluster = clusterAt(l2, entry) / clusterBytes;
      if (cluster >= 0 && cluster < bits.length * 8)
        bits[cluster >>> 3] = (bits[cluster >>> 3] ?? 0) | (1 << (cluster & 7));
    }
  }
  return { bits, clusterBytes };
}

type Hashing = { file: FileHandle; hash: Hash; signal: AbortSignal | undefined };

/** Hashes one piece while the next is being read. */
async function hashRange({ file, hash, signal }: Hashing, from: number, to: number): Promise<void> {
  // Two buffers in turn: new ones for each piece would pile up faster than they are collected.
  const size = Math.min(PIECE, to - from);
  const memory = [Buffer.allocUnsafe(size), Buffer.allocUnsafe(to - from > PIECE ? size : 0)];
  const read = (at: number): Promise<Buffer> =>
    readFully(file, at, Math.min(PIECE, to - at), memory[((at - from) / PIECE) % 2]);
  let next = from < to ? read(from) : undefined;
  for (let at = from; at < to; at += PIECE) {
    signal?.throwIfAborted();
    const piece = await next;
    next = at + PIECE < to ? read(at + PIECE) : undefined;
    // Whoever leaves this loop by an error leaves this read behind; it must not count as unhandled.
    next?.catch(() => undefined);
    if (piece !== undefined) hash.update(piece);
  }
}

async function hashMetadata(hashing: Hashing, set: ClusterSet, fileSize: number): Promise<string> {
  const { bits, clusterBytes } = set;
  let from = 0;
  for (let cluster = 0; cluster * clusterBytes < fileSize; cluster++) {
    if (((bits[cluster >>> 3] ?? 0) & (1 << (cluster & 7))) === 0) continue;
    const start = cluster * clusterBytes;
    if (start > from) await hashRange(hashing, from, start);
    from = start + clusterBytes;
  }
  if (from < fileSize) await hashRange(hashing, from, fileSize);
  // The length too: a file cut off inside its last data cluster would hash the same.
  return hashing.hash.update(String(fileSize)).digest("hex");
}

/**
 * Digest of an image file in the given scope. Throws REPOSITORY_DAMAGED or SOURCE_UNSAFE when its tables make no
 * sense, and the signal's reason when that fires.
 */
export async function digestImageFile(
  path: string,
  scope: FileDigest["scope"],
  signal?: AbortSignal,
): Promise<FileDigest> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  const hashing: Hashing = { file, hash: createHash("sha256"), signal };
  if (scope === "whole") {
    await hashRange(hashing, 0, size);
    return { scope, sha256: hashing.hash.digest("hex") };
  }
  const header = parseQcow2Header(await readFully(file, 0, Math.min(size, QCOW2_HEADER_BYTES)));
  const set = await dataClusters(file, header, size);
  return { scope, sha256: await hashMetadata(hashing, set, size) };
}
