/**
 * The unit of a block hash map: what 1024 neighbouring blocks (64 MiB) of a disk hold. A block of zeros is absent;
 * any other block is present with its sha256. Everything here is pure.
 */
export const BLOCK_SIZE = 65536;
export const SEGMENT_BLOCKS = 1024;
export const DIGEST_BYTES = 32;
export const TAG_BYTES = 16;
/** Length of a bitmap with one bit per block of a segment; bit i is bit (i % 8) of byte (i >> 3). */
export const BITMAP_BYTES = SEGMENT_BLOCKS / 8;
export const SEGMENT_BYTES = BLOCK_SIZE * SEGMENT_BLOCKS;

/**
 * `present`: 128 bytes, bit i = block i of the segment holds data. `digests`: 32 bytes for each present block, in order;
 * `tags` (see tags.ts), when the map has any: 16 bytes for each, zeros where a block has none.
 */
export type Segment = { index: number; present: Uint8Array; digests: Uint8Array; tags?: Uint8Array };

const BITS_IN_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll("0", "").length);

const EVERY_BLOCK = new Uint8Array(BITMAP_BYTES).fill(0xff);

export function blankBitmap(): Uint8Array {
  return new Uint8Array(BITMAP_BYTES);
}

export function hasBlock(bitmap: Uint8Array, block: number): boolean {
  return (((bitmap[block >> 3] ?? 0) >> (block & 7)) & 1) === 1;
}

/** Sets the bits from `first` up to, not including, `end`. */
export function addBlocks(bitmap: Uint8Array, first: number, end: number): void {
  let block = first;
  while (block < end) {
    if ((block & 7) === 0 && end - block >= 8) {
      const wholeBytes = (end - block) >> 3;
      bitmap.fill(0xff, block >> 3, (block >> 3) + wholeBytes);
      block += wholeBytes * 8;
    } else {
      bitmap[block >> 3] = (bitmap[block >> 3] ?? 0) | (1 << (block & 7));
      block += 1;
    }
  }
}

export function countBlocks(bitmap: Uint8Array): number {
  let count = 0;
  for (const byte of bitmap) count += BITS_IN_BYTE[byte] ?? 0;
  return count;
}

/** How many of the eight blocks that share a byte with `block` are marked. */
export function countByte(bitmap: Uint8Array, block: number): number {
  return BITS_IN_BYTE[bitmap[block >> 3] ?? 0] ?? 0;
}

export function isBlank(bitmap: Uint8Array): boolean {
  return bitmap.every((byte) => byte === 0);
}

/** The blocks that both bitmaps hold. */
export function commonBlocks(left: Uint8Array, right: Uint8Array): Uint8Array {
  return left.map((byte, at) => byte & (right[at] ?? 0));
}

/** How many blocks of the disk lie in the segment with this index: 1024, fewer in the last one, 0 past the end. */
export function blocksInSegment(index: number, diskSize: number): number {
  const blocks = Math.ceil(diskSize / BLOCK_SIZE) - index * SEGMENT_BLOCKS;
  return Math.max(0, Math.min(SEGMENT_BLOCKS, blocks));
}

/** The marked blocks, ascending. Few are marked as a rule, so that bytes without any are passed over. */
function markedBlocks(bitmap: Uint8Array): number[] {
  const blocks: number[] = [];
  for (const [at, byte] of bitmap.entries()) {
    for (let rest = byte; rest !== 0; rest &= rest - 1) blocks.push(at * 8 + 31 - Math.clz32(rest & -rest));
  }
  return blocks;
}

/** For each block of a segment how many marked ones stand before it; -1 where it is not marked itself. */
export function blockPositions(bitmap: Uint8Array): Int16Array {
  const positions = new Int16Array(SEGMENT_BLOCKS).fill(-1);
  let count = 0;
  for (const block of markedBlocks(bitmap)) {
    positions[block] = count;
    count += 1;
  }
  return positions;
}

/** Says in words why a segment cannot belong to a map of a disk of that size; null when it can. */
export function segmentFault(segment: Segment, diskSize: number): string | null {
  const { index, present, digests, tags } = segment;
  if (!Number.isSafeInteger(index) || index < 0) return `segment index ${index} is not a whole number`;
  const blocks = blocksInSegment(index, diskSize);
  if (blocks === 0) return `segment ${index} lies behind the end of the disk`;
  if (present.length !== BITMAP_BYTES) return `segment ${index} has a bitmap of ${present.length} bytes`;
  const count = countBlocks(present);
  if (digests.length !== count * DIGEST_BYTES) {
    return `segment ${index} marks ${count} blocks and has ${digests.length / DIGEST_BYTES} digests`;
  }
  if (tags !== undefined && tags.length !== count * TAG_BYTES)
    return `segment ${index} has ${tags.length} bytes of tags`;
  for (let block = blocks; block < SEGMENT_BLOCKS; block++) {
    if (hasBlock(present, block)) return `segment ${index} marks block ${block}, which lies behind the end of the disk`;
  }
  return null;
}

/**
 * Bitmap of the blocks that differ: other digest, or present on one side only. `expected` null expects nothing. The
 * others than those `seen` are known to be the same.
 */
export function differingBlocks(actual: Segment, expected: Segment | null, seen: Uint8Array = EVERY_BLOCK): Uint8Array {
  if (expected === null) return commonBlocks(actual.present, seen);
  const left = Buffer.from(actual.digests.buffer, actual.digests.byteOffset, actual.digests.length);
  const differing = blankBitmap();
  let ours = 0;
  let theirs = 0;
  for (let block = 0; block < SEGMENT_BLOCKS; block++) {
    if ((block & 7) === 0 && seen[block >> 3] === 0) {
      ours += countByte(actual.present, block) * DIGEST_BYTES;
      theirs += countByte(expected.present, block) * DIGEST_BYTES;
      block += 7;
      continue;
    }
    const here = hasBlock(actual.present, block);
    const there = hasBlock(expected.present, block);
    const same =
      !hasBlock(seen, block) ||
      (here === there &&
        (!here || left.compare(expected.digests, theirs, theirs + DIGEST_BYTES, ours, ours + DIGEST_BYTES) === 0));
    if (!same) addBlocks(differing, block, block + 1);
    if (here) ours += DIGEST_BYTES;
    if (there) theirs += DIGEST_BYTES;
  }
  return differing;
}

/** What a segment says of these blocks alone: all others are absent, and so are tags. */
export function onlyBlocks({ index, present, digests }: Segment, blocks: Uint8Array): Segment {
  const positions = blockPositions(present);
  const kept = commonBlocks(present, blocks);
  const parts = markedBlocks(kept).map((block) => {
    const at = (positions[block] ?? 0) * DIGEST_BYTES;
    return digests.subarray(at, at + DIGEST_BYTES);
  });
  return { index, present: kept, digests: Buffer.concat(parts) };
}

/** Cuts a bitmap into bitmaps of at most `limit` blocks each, in ascending order; none for a blank one. */
export function splitBlocks(bitmap: Uint8Array, limit: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let filled = limit;
  let piece = blankBitmap();
  for (const block of markedBlocks(bitmap)) {
    if (filled === limit) {
      piece = blankBitmap();
      pieces.push(piece);
      filled = 0;
    }
    addBlocks(piece, block, block + 1);
    filled += 1;
  }
  return pieces;
}

/** Neighbouring marked blocks as runs of at most `limit` blocks, in ascending order. */
export function blockRuns(bitmap: Uint8Array, limit: number): { first: number; count: number }[] {
  const runs: { first: number; count: number }[] = [];
  let run: { first: number; count: number } | undefined;
  for (const block of markedBlocks(bitmap)) {
    if (run !== undefined && run.first + run.count === block && run.count < limit) run.count += 1;
    else {
      run = { first: block, count: 1 };
      runs.push(run);
    }
  }
  return runs;
}
