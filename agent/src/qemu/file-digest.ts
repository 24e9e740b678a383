import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { HoldfastError } from "../errors.ts";
import { parseQcow2Header, QCOW2_HEADER_BYTES, type Qcow2Header } from "./header.ts";

/**
 * `whole`: sha256 of the file end to end. `metadata`: sha256 of everything but the uncompressed data clusters, which
 * the hash map covers already; so together they cover every byte, and a full costs no second reading.
 */
export type FileDigest = { scope: "whole" | "metadata"; sha256: string };

const OFFSET_MASK = 0x00ff_ffff_ffff_fe00n;
/** Bits of an L2 entry, in its higher and its lower half. */
const COMPRESSED_HIGH = 0x4000_0000;
const ZERO_FLAG = 1;
const PIECE = 4 * 2 ** 20;

async function readFully(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) {
      const message = `the image ends inside its tables (at byte ${offset + filled})`;
      throw new HoldfastError("REPOSITORY_DAMAGED", { message });
    }
    filled += bytesRead;
  }
  return buffer;
}

/** One bit for each host cluster that holds uncompressed guest data: 8 MiB for a 4 TiB image. */
type ClusterSet = { bits: Uint8Array; clusterBytes: number };

async function dataClusters(file: FileHandle, header: Qcow2Header, fileSize: number): Promise<ClusterSet> {
  const clusterBytes = 2 ** header.clusterBits;
  const bits = new Uint8Array(Math.ceil(fileSize / clusterBytes / 8) + 1);
  const l1 = await readFully(file, header.l1Offset, header.l1Entries * 8);
  for (let entry = 0; entry < header.l1Entries; entry++) {
    const l2Offset = Number(l1.readBigUInt64BE(entry * 8) & OFFSET_MASK);
    if (l2Offset === 0) continue;
    if (l2Offset + clusterBytes > fileSize) {
      const message = `the image's tables point beyond its end (to byte ${l2Offset} of ${fileSize})`;
      throw new HoldfastError("REPOSITORY_DAMAGED", { message });
    }
    // The disk's last cluster may end behind the disk; those bytes are in no hash map, so the cluster counts as metadata.
    const wholeClusters = Math.floor(header.virtualSize / clusterBytes) - entry * (clusterBytes / 8);
    addDataClusters(bits, await readFully(file, l2Offset, clusterBytes), { clusterBytes, wholeClusters });
  }
  return { bits, clusterBytes };
}

function addDataClusters(bits: Uint8Array, l2: Buffer, of: { clusterBytes: number; wholeClusters: number }): void {
  const end = Math.max(0, Math.min(l2.length, of.wholeClusters * 8));
  for (let at = 0; at < end; at += 8) {
    // Two 32-bit reads: BigInt for each of millions of entries would take longer than the hashing.
    const high = l2.readUInt32BE(at);
    const low = l2.readUInt32BE(at + 4);
    // A cluster that is compressed, or hidden behind "reads as zeros", is not what the guest sees as it stands.
    if ((high & COMPRESSED_HIGH) !== 0 || (low & ZERO_FLAG) !== 0) continue;
    const offset = (high & 0x00ff_ffff) * 2 ** 32 + low - (low % 512);
    const cluster = offset / of.clusterBytes;
    if (offset !== 0 && cluster < bits.length * 8)
      bits[cluster >>> 3] = (bits[cluster >>> 3] ?? 0) | (1 << (cluster & 7));
  }
}

type Hashing = { file: FileHandle; hash: Hash; signal: AbortSignal | undefined };

/** Hashes one piece while the next is being read. */
async function hashRange({ file, hash, signal }: Hashing, from: number, to: number): Promise<void> {
  const read = (at: number): Promise<Buffer> => readFully(file, at, Math.min(PIECE, to - at));
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
