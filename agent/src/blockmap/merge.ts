/** What a scan says of a segment, from what was read of it and what was expected; pure. */
import type { HashedBlocks } from "./messages.ts";
import type { SegmentPlan } from "./plan.ts";
import {
  blankBitmap,
  countBlocks,
  countByte,
  DIGEST_BYTES,
  differingBlocks,
  hasBlock,
  isBlank,
  SEGMENT_BLOCKS,
  type Segment,
  TAG_BYTES,
} from "./segment.ts";

/** `changed` marks the blocks of `actual` that differ from the expected segment, null expecting nothing. */
export function mergeSegment(
  { index, expected, looked }: SegmentPlan,
  parts: readonly HashedBlocks[],
  tagged: boolean,
): { actual: Segment; changed: Uint8Array } {
  const same = unite(parts.map((part) => part.same));
  const seen = same.map((byte, at) => (looked?.[at] ?? 0xff) & ~byte);
  const read = joinParts(index, parts, tagged);
  const actual = expected === null || isWhole(seen) ? read : overlaySegment(expected, read, seen);
  return { actual, changed: isBlank(seen) ? blankBitmap() : differingBlocks(actual, expected, seen) };
}

function isWhole(bitmap: Uint8Array): boolean {
  return bitmap.every((byte) => byte === 0xff);
}

function unite(bitmaps: readonly Uint8Array[]): Uint8Array {
  const all = blankBitmap();
  for (const bitmap of bitmaps) for (let at = 0; at < all.length; at++) all[at] = (all[at] ?? 0) | (bitmap[at] ?? 0);
  return all;
}

/** Puts the parts of one segment together. The parts must be disjoint and stand in ascending order of their blocks. */
function joinParts(index: number, parts: readonly HashedBlocks[], tagged: boolean): Segment {
  const present = unite(parts.map((part) => part.present));
  const digests = Buffer.concat(parts.map((part) => part.digests));
  return { index, present, digests, ...(tagged && { tags: Buffer.concat(parts.map((part) => part.tags)) }) };
}

/** Takes the blocks marked in `looked` from `seen` and all the others from `before`. */
function overlaySegment(before: Segment, seen: Segment, looked: Uint8Array): Segment {
  const present = before.present.map((byte, at) => {
    const mask = looked[at] ?? 0;
    return (byte & ~mask) | ((seen.present[at] ?? 0) & mask);
  });
  const count = countBlocks(present);
  const digests = Buffer.alloc(count * DIGEST_BYTES);
  const tags = Buffer.alloc(seen.tags === undefined ? 0 : count * TAG_BYTES);
  const ours = bytesOf(seen);
  const theirs = bytesOf(before);
  let filled = 0;
  for (const { of, at, count: copied } of piecesOf(before, seen, looked)) {
    const from = of === "seen" ? ours : theirs;
    from.digests.copy(digests, filled * DIGEST_BYTES, at * DIGEST_BYTES, (at + copied) * DIGEST_BYTES);
    if (from.tags.length > 0) from.tags.copy(tags, filled * TAG_BYTES, at * TAG_BYTES, (at + copied) * TAG_BYTES);
    filled += copied;
  }
  return { index: before.index, present, digests, ...(seen.tags !== undefined && { tags }) };
}

/** Neighbours in the result that are neighbours in one of the two as well: `count` blocks from the `at`-th marked one on. */
type Piece = { of: "seen" | "before"; at: number; count: number };

function piecesOf(before: Segment, seen: Segment, looked: Uint8Array): Piece[] {
  const pieces: Piece[] = [];
  const position = { before: 0, seen: 0 };
  const add = (of: Piece["of"], count: number): void => {
    const last = pieces.at(-1);
    if (last?.of === of && last.at + last.count === position[of]) last.count += count;
    else if (count > 0) pieces.push({ of, at: position[of], count });
  };
  for (let block = 0; block < SEGMENT_BLOCKS; block++) {
    // Most bytes of a bitmap are all of one kind.
    const whole = (block & 7) === 0 && looked[block >> 3] === 0;
    const counts = whole
      ? { before: countByte(before.present, block), seen: countByte(seen.present, block) }
      : { before: Number(hasBlock(before.present, block)), seen: Number(hasBlock(seen.present, block)) };
    if (whole || !hasBlock(looked, block)) add("before", counts.before);
    else add("seen", counts.seen);
    position.before += counts.before;
    position.seen += counts.seen;
    if (whole) block += 7;
  }
  return pieces;
}

/** `tags` is empty where there are none. */
function bytesOf({ digests, tags = new Uint8Array() }: Segment): { digests: Buffer; tags: Buffer } {
  return {
    digests: Buffer.from(digests.buffer, digests.byteOffset, digests.length),
    tags: Buffer.from(tags.buffer, tags.byteOffset, tags.length),
  };
}
