import type { Range } from "../blockmap/ranges.ts";
import { SEGMENT_BYTES, type Segment } from "../blockmap/segment.ts";
import { BASE_ALLOCATION, isData } from "../nbd/extents.ts";
import { isReadError, type SteadyClient } from "./steady-client.ts";

/** At most 4,096 blocks, so that the list of what one answer says stays short, as in `statusRuns`. */
const WINDOW = 256 * 1024 ** 2;

/**
 * Where the export may hold data, from `start` on. Where its own tables cannot be read, that stretch counts as data:
 * reading it then says what is wrong with it.
 */
export async function* dataRanges(client: SteadyClient, start: number, end: number): AsyncGenerator<Range> {
  let window = WINDOW;
  for (let position = start; position < end; ) {
    const length = Math.min(window, end - position);
    const runs = await client.blockStatus(BASE_ALLOCATION, position, length).catch((error: unknown) => {
      if (isReadError(error)) return undefined;
      throw error;
    });
    if (runs === undefined && length > SEGMENT_BYTES) {
      window = SEGMENT_BYTES;
      continue;
    }
    if (runs === undefined) yield { offset: position, length };
    for (const run of runs ?? []) if (isData(run.flags)) yield { offset: run.offset, length: run.length };
    const last = runs?.at(-1);
    position = last === undefined ? position + length : last.offset + last.length;
  }
}

/** The segments with this index and those after it. */
export async function* segmentsFrom(segments: AsyncIterable<Segment>, index: number): AsyncGenerator<Segment> {
  for await (const segment of segments) if (segment.index >= index) yield segment;
}
