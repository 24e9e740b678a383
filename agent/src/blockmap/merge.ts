/** What a scan says of a segment, from what was read of it and what was expected; pure. */
import type { HashedBlocks } from "./messages.ts";
import type { SegmentPlan } from "./plan.ts";
import {
  blankBitmap,
  countBlocks,
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
  return { actual, changed: isBlank(seen) ? blankBitmap() : differingBlocks(actual, expected) };
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
  const position = { before: 0, seen: 0, out: 0 };
  for (let block = 0; block < SEGMENT_BLOCKS; block++) {
    if (hasBlock(present, block)) {
      const useSeen = hasBlock(looked, block);
      const [from, at] = useSeen ? [ours, position.seen] : [theirs, position.before];
      from.digests.copy(digests, position.out * DIGEST_BYTES, at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES);
      if (seen.tags !== undefined && from.tags.length > 0)
        from.tags.copy(tags, position.out * TAG_BYTES, at * TAG_BYTES, (at + 1) * TAG_BYTES);
      position.out += 1;
    }
    if (hasBlock(before.present, block)) position.before += 1;
    if (hasBlock(seen.present, block)) position.seen += 1;
  }
  return { index: before.index, present, digests, ...(seen.tags !== undefined && { tags }) };
}

/** `tags` is empty where there are none. */
function bytesOf({ digests, tags = new Uint8Array() }: Segment): { digests: Buffer; tags: Buffer } {
  return {
    digests: Buffer.from(digests.buffer, digests.byteOffset, digests.length),
    tags: Buffer.from(tags.buffer, tags.byteOffset, tags.length),
  };
}
