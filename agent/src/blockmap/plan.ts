/** Which blocks of which segments a scan has to read, worked out from its three streams; no disk is touched here. */
import { HoldfastError } from "../errors.ts";
import { createRangeCursor, type Range } from "./ranges.ts";
import { blankBitmap, blocksInSegment, commonBlocks, isBlank, type Segment } from "./segment.ts";

export type SegmentPlan = {
  index: number;
  expected: Segment | null;
  /** The blocks that are looked at; all others keep the expected digest. Null: every block. */
  looked: Uint8Array | null;
  /** The blocks to read: looked at, and maybe not zeros. */
  wanted: Uint8Array;
};

export type PlanInput = {
  diskSize: number;
  data: AsyncIterable<Range>;
  expected?: AsyncIterable<Segment> | undefined;
  candidates?: AsyncIterable<Range> | undefined;
};

/**
 * Plans ascending, and only the segments in which there is something to read or something expected; the cost follows
 * the number of ranges and of expected segments, not the disk's size. An expected segment behind the disk's end is
 * BAD_REQUEST: maps of two disk sizes cannot be compared.
 */
export async function* planSegments(input: PlanInput): AsyncGenerator<SegmentPlan> {
  const data = createRangeCursor(input.data, input.diskSize);
  const candidates = input.candidates && createRangeCursor(input.candidates, input.diskSize);
  const expected = createSegmentCursor(input.expected, input.diskSize);
  const leading = candidates ?? data;
  try {
    for (;;) {
      const index = Math.min(await leading.peek(), await expected.peek());
      if (index === Number.POSITIVE_INFINITY) return;
      const looked = candidates === undefined ? null : ((await candidates.take(index)) ?? blankBitmap());
      const mayHoldData = (await data.take(index)) ?? blankBitmap();
      const wanted = looked === null ? mayHoldData : commonBlocks(mayHoldData, looked);
      const segment = await expected.take(index);
      if (segment !== null || !isBlank(wanted)) yield { index, expected: segment, looked, wanted };
    }
  } finally {
    await Promise.all([data.close(), candidates?.close(), expected.close()]);
  }
}

function createSegmentCursor(segments: AsyncIterable<Segment> | undefined, diskSize: number) {
  const stream = segments?.[Symbol.asyncIterator]();
  let head: Segment | null = null;
  let ended = stream === undefined;

  async function peek(): Promise<number> {
    if (head === null && !ended && stream !== undefined) {
      const next = await stream.next();
      if (next.done === true) ended = true;
      else head = checkSize(next.value, diskSize);
    }
    return head?.index ?? Number.POSITIVE_INFINITY;
  }

  async function take(index: number): Promise<Segment | null> {
    if ((await peek()) !== index) return null;
    const taken = head;
    head = null;
    return taken;
  }

  return {
    peek,
    take,
    close: async () => {
      await stream?.return?.();
    },
  };
}

function checkSize(segment: Segment, diskSize: number): Segment {
  if (blocksInSegment(segment.index, diskSize) > 0) return segment;
  throw new HoldfastError("BAD_REQUEST", {
    message: `the block map expects data in segment ${segment.index}, behind the end of a disk of ${diskSize} bytes`,
    remedy: "A disk that changed its size starts a new chain: take a full backup.",
  });
}
