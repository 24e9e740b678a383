/** Byte ranges of a disk, and their translation into blocks of segments and back. */
import { HoldfastError } from "../errors.ts";
import { addBlocks, BLOCK_SIZE, blankBitmap, blockRuns, SEGMENT_BLOCKS, SEGMENT_BYTES } from "./segment.ts";

/** In bytes. */
export type Range = { offset: number; length: number };

/** The marked blocks of a segment as coalesced byte ranges, ascending; the last one ends with the disk. */
export function changedRanges(index: number, bitmap: Uint8Array, diskSize: number): Range[] {
  return blockRuns(bitmap, SEGMENT_BLOCKS).flatMap(({ first, count }) => {
    const offset = index * SEGMENT_BYTES + first * BLOCK_SIZE;
    const end = Math.min(offset + count * BLOCK_SIZE, diskSize);
    return end > offset ? [{ offset, length: end - offset }] : [];
  });
}

export type RangeCursor = {
  /** Index of the next segment that a range touches; Infinity when there is none. */
  peek(): Promise<number>;
  /** Bitmap of the blocks that ranges touch in that segment, null for none. Ranges before it are dropped. */
  take(index: number): Promise<Uint8Array | null>;
  /** Lets go of the underlying stream. */
  close(): Promise<void>;
};

/**
 * Walks ascending ranges segment by segment without ever holding more than one. Ranges widen to whole blocks, may
 * overlap, and are cut at the end of the disk. Ranges that are not ascending are an INTERNAL error.
 */
export function createRangeCursor(ranges: AsyncIterable<Range>, diskSize: number): RangeCursor {
  const stream = ranges[Symbol.asyncIterator]();
  const spans = inBlocks(stream, Math.ceil(diskSize / BLOCK_SIZE));
  /** Blocks read from the stream and not given out yet; Infinity once the stream has ended. */
  let span: Span = { first: 0, end: 0 };

  /** Drops the blocks before `from`, and goes on to the next range when none are left. */
  async function advance(from: number): Promise<void> {
    for (;;) {
      span.first = Math.max(span.first, Math.min(from, span.end));
      if (span.first < span.end || span.end === Number.POSITIVE_INFINITY) return;
      const next = await spans.next();
      span = next.done === true ? { first: Number.POSITIVE_INFINITY, end: Number.POSITIVE_INFINITY } : next.value;
    }
  }

  async function take(index: number): Promise<Uint8Array | null> {
    const base = index * SEGMENT_BLOCKS;
    let bitmap: Uint8Array | null = null;
    for (;;) {
      await advance(base);
      if (span.first >= base + SEGMENT_BLOCKS) return bitmap;
      const end = Math.min(span.end, base + SEGMENT_BLOCKS);
      bitmap ??= blankBitmap();
      addBlocks(bitmap, span.first - base, end - base);
      span.first = end;
    }
  }

  return {
    peek: async () => {
      await advance(0);
      return Math.floor(span.first / SEGMENT_BLOCKS);
    },
    take,
    close: async () => {
      await stream.return?.();
    },
  };
}

/** In blocks; `end` is not part of it. */
type Span = { first: number; end: number };

/** The ranges as whole blocks: ascending, disjoint, inside the disk, never empty. */
async function* inBlocks(stream: AsyncIterator<Range>, diskBlocks: number): AsyncGenerator<Span> {
  let lastOffset = 0;
  let given = 0;
  for (let next = await stream.next(); next.done !== true; next = await stream.next()) {
    const { offset, length } = next.value;
    checkRange(next.value, lastOffset);
    lastOffset = offset;
    const first = Math.max(given, Math.floor(offset / BLOCK_SIZE));
    const end = length === 0 ? 0 : Math.min(diskBlocks, Math.ceil((offset + length) / BLOCK_SIZE));
    if (first >= end) continue;
    given = end;
    yield { first, end };
  }
}

function checkRange(range: Range, lastOffset: number): void {
  const { offset, length } = range;
  if (offset >= lastOffset && length >= 0 && Number.isSafeInteger(offset) && Number.isSafeInteger(offset + length))
    return;
  throw new HoldfastError("INTERNAL", {
    message: `the range ${offset}+${length} follows one at ${lastOffset}: ranges must be ascending`,
  });
}
