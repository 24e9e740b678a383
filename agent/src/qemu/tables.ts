/** Reading a qcow2 image's own tables (QEMU docs/interop/qcow2.txt), trusting no offset in them. */
import type { FileHandle } from "node:fs/promises";
import { HoldfastError } from "../errors.ts";
import type { Qcow2Header } from "./header.ts";

const OFFSET_MASK = 0x00ff_ffff_ffff_fe00n;
/** Bits of an L2 entry, in its higher and its lower half. */
const COMPRESSED_HIGH = 0x4000_0000;
const RESERVED_HIGH = 0x3f00_0000;
const ZERO_FLAG = 1;
const RESERVED_LOW = 0x1fe;

/** Reads exactly `length` bytes at `offset`, into `memory` where it is given. Throws REPOSITORY_DAMAGED when the file ends before. */
export async function readFully(
  file: FileHandle,
  offset: number,
  length: number,
  memory: Buffer = Buffer.allocUnsafe(length),
): Promise<Buffer> {
  const buffer = memory.subarray(0, length);
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

/** The offsets of the L2 tables, 0 where there is none; each lies inside the file. Throws REPOSITORY_DAMAGED else. */
export async function readL1(file: FileHandle, header: Qcow2Header, fileSize: number): Promise<number[]> {
  const l1 = await readFully(file, header.l1Offset, header.l1Entries * 8);
  return Array.from({ length: header.l1Entries }, (_, entry) => {
    const offset = Number(l1.readBigUInt64BE(entry * 8) & OFFSET_MASK);
    if (offset + 2 ** header.clusterBits <= fileSize) return offset;
    const message = `the image's tables point beyond its end (to byte ${offset} of ${fileSize})`;
    throw new HoldfastError("REPOSITORY_DAMAGED", { message });
  });
}

/** Answers of `clusterAt` that are no offset in the file. */
export const UNALLOCATED = -1;
export const READS_AS_ZEROS = -2;
export const COMPRESSED = -3;
/** An entry that QEMU would refuse. */
export const INVALID = -4;

/** Where the cluster of an L2 table's entry lies in the file (bytes), or one of the answers above. A table is one cluster. */
export function clusterAt(l2: Buffer, entry: number): number {
  // Two 32-bit reads: BigInt for each of millions of entries would take longer than the hashing.
  const high = l2.readUInt32BE(entry * 8);
  const low = l2.readUInt32BE(entry * 8 + 4);
  if ((high & COMPRESSED_HIGH) !== 0) return COMPRESSED;
  if ((low & ZERO_FLAG) !== 0) return READS_AS_ZEROS;
  if ((high & RESERVED_HIGH) !== 0 || (low & RESERVED_LOW) !== 0) return INVALID;
  const offset = (high & 0x00ff_ffff) * 2 ** 32 + low;
  if (offset === 0) return UNALLOCATED;
  return offset % l2.length === 0 ? offset : INVALID;
}
