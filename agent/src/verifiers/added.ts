/** What a backup adds to its parent: the blocks that its own image holds. All others are those of the parent. */
import type { OpenMap } from "../blockmap/map-file.ts";
import { changedRanges, createRangeCursor, type Range } from "../blockmap/ranges.ts";
import {
  BITMAP_BYTES,
  BLOCK_SIZE,
  blankBitmap,
  differingBlocks,
  onlyBlocks,
  type Segment,
} from "../blockmap/segment.ts";
import { HoldfastError } from "../errors.ts";
import { connectNbd, type NbdClient } from "../nbd/client.ts";
import type { NbdEndpoint } from "../nbd/endpoint.ts";
import { ALLOCATION_DEPTH, statusRuns } from "../nbd/extents.ts";
import { createRangeFindings, type FindingList } from "./finding-list.ts";

/** By index of the segment; 128 bytes for each that the image holds a part of. */
export type Added = ReadonlyMap<number, Uint8Array>;

/** Which blocks an image exported by itself holds; null when it holds parts of blocks. Throws NBD's errors. */
export async function addedBlocks(endpoint: NbdEndpoint, signal: AbortSignal | undefined): Promise<Added | null> {
  const client = await connectNbd(endpoint, { contexts: [ALLOCATION_DEPTH], ...(signal && { signal }) });
  try {
    if (!client.contexts.includes(ALLOCATION_DEPTH))
      throw new HoldfastError("NBD_REFUSED", { message: "QEMU does not tell what an image holds" });
    let isWhole = true;
    const ranges = held(client, () => {
      isWhole = false;
    });
    const cursor = createRangeCursor(ranges, client.size);
    const added = new Map<number, Uint8Array>();
    for (let index = await cursor.peek(); index !== Number.POSITIVE_INFINITY; index = await cursor.peek())
      added.set(index, (await cursor.take(index)) ?? blankBitmap());
    return isWhole ? added : null;
  } finally {
    await client.close();
  }
}

async function* held(client: NbdClient, onPart: () => void): AsyncGenerator<Range> {
  for await (const { offset, length, flags } of statusRuns(client, ALLOCATION_DEPTH)) {
    const end = offset + length;
    if (offset % BLOCK_SIZE !== 0 || (end % BLOCK_SIZE !== 0 && end !== client.size)) onPart();
    if (flags > 0) yield { offset, length };
  }
}

/** Of each segment what it says of these blocks. */
export async function* onlyIn(segments: AsyncIterable<Segment>, added: Added): AsyncGenerator<Segment> {
  for await (const segment of segments) {
    const blocks = added.get(segment.index);
    if (blocks !== undefined) yield onlyBlocks(segment, blocks);
  }
}

/** Adds a finding (CONTENT_MISMATCH) for what a map says anew of blocks that its backup's image does not hold. */
export async function compareKept(map: OpenMap, before: OpenMap, added: Added, findings: FindingList): Promise<void> {
  const differing = createRangeFindings(
    findings,
    "CONTENT_MISMATCH",
    "changed, and the backup's image does not hold them",
  );
  const { diskSize } = map.header;
  for await (const [now, then] of pairs(map.segments(), before.segments())) {
    const index = now?.index ?? then?.index ?? 0;
    const kept = (added.get(index) ?? blankBitmap()).map((byte) => ~byte);
    const changed = differingBlocks(now ?? blankSegment(index), then, kept);
    for (const range of changedRanges(index, changed, diskSize)) differing.add(range);
  }
  differing.flush();
}

const blankSegment = (index: number): Segment => ({
  ...{ index, present: new Uint8Array(BITMAP_BYTES), digests: new Uint8Array() },
});

/** The segments of two maps side by side, null where one of them has none; both ascend. */
async function* pairs(
  left: AsyncGenerator<Segment>,
  right: AsyncGenerator<Segment>,
): AsyncGenerator<[Segment | null, Segment | null]> {
  const next = async (of: AsyncGenerator<Segment>): Promise<Segment | null> => {
    const { done, value } = await of.next();
    return done === true ? null : value;
  };
  let [a, b] = [await next(left), await next(right)];
  while (a !== null || b !== null) {
    const first = Math.min(a?.index ?? Number.POSITIVE_INFINITY, b?.index ?? Number.POSITIVE_INFINITY);
    const [one, other] = [a?.index === first ? a : null, b?.index === first ? b : null];
    yield [one, other];
    if (one !== null) a = await next(left);
    if (other !== null) b = await next(right);
  }
}
