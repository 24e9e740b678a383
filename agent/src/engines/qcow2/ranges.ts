import { randomInt } from "node:crypto";
import type { Range } from "../../blockmap/scan.ts";
import { BLOCK_SIZE } from "../../blockmap/segment.ts";
import type { NbdClient } from "../../nbd/client.ts";
import { BASE_ALLOCATION, isData, statusRuns } from "../../nbd/extents.ts";

const DIRTY = 1;

/** The ranges of an export that may hold data, ascending; everything else reads as zeros. */
export async function* dataRanges(client: NbdClient): AsyncGenerator<Range> {
  for await (const { offset, length, flags } of statusRuns(client, BASE_ALLOCATION)) {
    if (isData(flags)) yield { offset, length };
  }
}

/** The ranges that a `qemu:dirty-bitmap:` context marks, ascending. */
export async function* dirtyRanges(client: NbdClient, context: string): AsyncGenerator<Range> {
  for await (const { offset, length, flags } of statusRuns(client, context)) {
    if ((flags & DIRTY) !== 0) yield { offset, length };
  }
}

/** Ascending ranges as whole blocks, none beside another: one range, however many holes its blocks have inside. */
export async function* wholeBlocks(ranges: AsyncIterable<Range>, diskSize: number): AsyncGenerator<Range> {
  let open: { from: number; to: number } | undefined;
  const close = ({ from, to }: { from: number; to: number }): Range => ({
    offset: from,
    length: Math.min(to, diskSize) - from,
  });
  for await (const { offset, length } of ranges) {
    const from = offset - (offset % BLOCK_SIZE);
    const to = Math.ceil((offset + length) / BLOCK_SIZE) * BLOCK_SIZE;
    if (open !== undefined && from <= open.to) open.to = Math.max(open.to, to);
    else {
      if (open !== undefined) yield close(open);
      open = { from, to };
    }
  }
  if (open !== undefined) yield close(open);
}

/** `count` random whole blocks of a disk, ascending, none twice. */
export function sampleBlocks(diskSize: number, count: number): number[] {
  const blocks = Math.ceil(diskSize / BLOCK_SIZE);
  const drawn = new Set(Array.from({ length: Math.min(count, blocks) }, () => randomInt(blocks)));
  return [...drawn].sort((a, b) => a - b);
}

/** Dirty ranges with sample blocks mixed in, ascending; `clean` fills with those samples that no dirty range touches. */
export async function* withSamples(
  dirty: AsyncIterable<Range>,
  samples: readonly number[],
  clean: Set<number>,
): AsyncGenerator<Range> {
  let next = 0;
  const sample = (): number => samples[next] ?? Number.POSITIVE_INFINITY;
  function* upTo(limit: number): Generator<Range> {
    for (; sample() < limit; next++) {
      clean.add(sample());
      yield { offset: sample() * BLOCK_SIZE, length: BLOCK_SIZE };
    }
  }
  for await (const range of dirty) {
    const first = Math.floor(range.offset / BLOCK_SIZE);
    const end = Math.ceil((range.offset + range.length) / BLOCK_SIZE);
    yield* upTo(first);
    while (sample() < end) next++;
    yield range;
  }
  yield* upTo(Number.POSITIVE_INFINITY);
}
