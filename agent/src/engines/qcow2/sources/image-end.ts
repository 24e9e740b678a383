/** Up to which byte an image file must reach for what its tables say: QEMU reads what a cut-off file lacks as zeros. */
import { type FileHandle, open } from "node:fs/promises";
import { asHoldfastError, HoldfastError } from "../../../errors.ts";
import { parseQcow2Header, QCOW2_HEADER_BYTES, type Qcow2Header } from "../../../qemu/header.ts";
import { COMPRESSED, clusterAt, readFully, readL1 } from "../../../qemu/tables.ts";

const SECTOR = 512;
/** Of an L2 entry's higher half. */
const COMPRESSED_HIGH = 0x4000_0000;
const OFFSET_HIGH = 0x00ff_ffff;
const SUBCLUSTERS = 32;
const VMDK_COMPRESSED = 1 << 16;
/** QEMU takes no grain tables with more entries, and no larger directory. */
const MOST_GRAIN_ENTRIES = 512;
const MOST_GRAIN_TABLES = 2 ** 22;

type Piece = { offset: number; length: number };
const NOWHERE: Piece = { offset: 0, length: 0 };

/**
 * Whether an entry says of itself that its data ends before `end`: then nothing else about it matters. `words` are the
 * table's 32-bit words; to read tens of thousands of entries as numbers of a Buffer takes 20 ms.
 */
function endsBefore(end: number, words: Uint32Array, at: number, clusterBytes: number): boolean {
  const high = words[at] ?? 0;
  const low = words[at + 1] ?? 0;
  if ((high & COMPRESSED_HIGH) !== 0) return false;
  return (high & OFFSET_HIGH) * 2 ** 32 + low + clusterBytes <= end || (high === 0 && low === 0);
}

/** Where in the file the data of an L2 table's entry lies. What makes no sense is QEMU's to refuse. */
function pieceOf(table: Buffer, entry: number, { clusterBits, extendedL2 }: Qcow2Header): Piece {
  const words = extendedL2 ? 2 : 1;
  const found = clusterAt(table, entry * words);
  if (found === COMPRESSED) return compressedPiece(table.readBigUInt64BE(entry * words * 8), clusterBits);
  if (found < 0) return NOWHERE;
  if (!extendedL2) return { offset: found, length: 2 ** clusterBits };
  const written = SUBCLUSTERS - Math.clz32(table.readUInt32BE(entry * 16 + 12));
  return { offset: found, length: (2 ** clusterBits / SUBCLUSTERS) * written };
}

/** The data ends somewhere in the last of its sectors: only that sector's beginning has to be there. */
function compressedPiece(entry: bigint, clusterBits: number): Piece {
  const offsetBits = BigInt(62 - (clusterBits - 8));
  const offset = Number(entry & ((1n << offsetBits) - 1n));
  const moreSectors = Number((entry & 0x3fff_ffff_ffff_ffffn) >> offsetBits);
  return { offset, length: moreSectors === 0 ? 1 : moreSectors * SECTOR - (offset % SECTOR) + 1 };
}

/**
 * The end of the guest's data in a qcow2 file of `size` bytes. Reads every L2 table, 1/8192 of the data. Throws
 * REPOSITORY_DAMAGED when the tables themselves lie beyond the end, SOURCE_UNSAFE when there are more than fit in.
 */
async function qcow2End(file: FileHandle, size: number, signal: AbortSignal | undefined): Promise<number> {
  const header = parseQcow2Header(await readFully(file, 0, Math.min(size, QCOW2_HEADER_BYTES)));
  const clusterBytes = 2 ** header.clusterBits;
  const entries = clusterBytes / (header.extendedL2 ? 16 : 8);
  const l1 = await readL1(file, header, size);
  if (l1.filter((offset) => offset !== 0).length * clusterBytes > size) throw crowded("L2");
  const memory = Buffer.allocUnsafe(clusterBytes);
  let end = 0;
  // Backwards, because what was written last lies last as a rule: the other entries then need no closer look.
  for (let index = l1.length - 1; index >= 0; index--) {
    const offset = l1[index] ?? 0;
    if (offset === 0) continue;
    signal?.throwIfAborted();
    const table = await readFully(file, offset, clusterBytes, memory);
    const words = new Uint32Array(Uint8Array.from(table).buffer);
    Buffer.from(words.buffer).swap32();
    const wordsPerEntry = words.length / entries;
    for (let entry = entries - 1; entry >= 0; entry--) {
      if (endsBefore(end, words, entry * wordsPerEntry, clusterBytes)) continue;
      const piece = pieceOf(table, entry, header);
      // A disk's last cluster is written as far as the disk goes.
      const length = Math.min(piece.length, header.virtualSize - (index * entries + entry) * clusterBytes);
      if (length > 0) end = Math.max(end, piece.offset + length);
    }
  }
  return end;
}

function crowded(tables: string): HoldfastError {
  return new HoldfastError("SOURCE_UNSAFE", { message: `its ${tables} tables overlap each other` });
}

/**
 * The end of the guest's data in a sparse VMDK file of `size` bytes; 0 where its tables stand at
 * its own end (QEMU misses those itself). Throws REPOSITORY_DAMAGED and SOURCE_UNSAFE as `qcow2End` does.
 */
async function vmdkEnd(file: FileHandle, size: number, signal: AbortSignal | undefined): Promise<number> {
  const head = await readFully(file, 0, SECTOR);
  const capacity = Number(head.readBigUInt64LE(12));
  const grain = Number(head.readBigUInt64LE(20));
  const perTable = head.readUInt32LE(44);
  const directoryAt = head.readBigUInt64LE(56);
  if (directoryAt >= 2n ** 63n || grain === 0 || perTable === 0 || perTable > MOST_GRAIN_ENTRIES) return 0;
  const tables = Math.ceil(capacity / (grain * perTable));
  if (tables > MOST_GRAIN_TABLES) throw crowded("grain");
  const directory = await readFully(file, Number(directoryAt) * SECTOR, tables * 4);
  const places = Array.from({ length: tables }, (_, at) => directory.readUInt32LE(at * 4) * SECTOR);
  if (places.filter((place) => place !== 0 && place < size).length * perTable * 4 > size) throw crowded("grain");
  const isCompressed = (head.readUInt32LE(8) & VMDK_COMPRESSED) !== 0;
  const memory = Buffer.allocUnsafe(perTable * 4);
  let end = 0;
  for (const [index, place] of places.entries()) {
    if (place === 0) continue;
    signal?.throwIfAborted();
    const table = await readFully(file, place, perTable * 4, memory);
    for (let at = 0; at < perTable; at++) {
      const sector = table.readUInt32LE(at * 4);
      // 0: not there, 1: zeros.
      if (sector <= 1) continue;
      const sectors = isCompressed ? 1 : Math.min(grain, capacity - (index * perTable + at) * grain);
      end = Math.max(end, (sector + sectors) * SECTOR);
    }
  }
  return end;
}

/** Throws SOURCE_NOT_A_DISK when a file is shorter than what is in it. */
export function checkLength(path: string, needed: number, size: number): void {
  if (needed > size) throw cutOff(path, `what it holds reaches to byte ${needed}, the file has ${size}`);
}

function cutOff(path: string, details: string): HoldfastError {
  const remedy = "It was not copied to its end: copy it again.";
  return new HoldfastError("SOURCE_NOT_A_DISK", { message: `${path} is cut off: ${details}`, remedy });
}

/**
 * Sees whether a qcow2 or VMDK file, whose header was checked and which no VM writes to, holds all that its tables say.
 * Throws SOURCE_NOT_A_DISK when it does not, SOURCE_UNSAFE for tables that are made to keep their reader busy.
 */
export async function checkReach(path: string, format: "qcow2" | "vmdk", signal?: AbortSignal): Promise<void> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  try {
    checkLength(path, await (format === "qcow2" ? qcow2End : vmdkEnd)(file, size, signal), size);
  } catch (error) {
    const known = asHoldfastError(error, `reading the tables of ${path}`);
    if (known.code === "REPOSITORY_DAMAGED") throw cutOff(path, known.message);
    if (known.code !== "SOURCE_UNSAFE") throw known;
    const remedy = "Convert it to a new image (qemu-img convert), and back up that.";
    throw new HoldfastError("SOURCE_UNSAFE", { message: `${path} is refused: ${known.message}`, remedy, cause: error });
  }
}
