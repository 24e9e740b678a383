import type { NbdClient } from "./client.ts";
import type { StatusRun } from "./status.ts";

/** The meta context in which every server tells holes and zeroes from data. */
export const BASE_ALLOCATION = "base:allocation";

/** The meta context in which QEMU tells how deep in a chain the content lies: 1 in the top image, 0 in none. */
export const ALLOCATION_DEPTH = "qemu:allocation-depth";

const STATE_ZERO = 2;

/** For base:allocation: whether the run may hold anything but zeroes. A hole not flagged as zero counts as data. */
export function isData(flags: number): boolean {
  return (flags & STATE_ZERO) === 0;
}

/**
 * The state of a range (default: the whole export) as a stream of runs that follow each other without gaps and differ
 * from their neighbours. Memory does not grow with the export: one request covers at most 4 GiB and 131,072 runs. Throws what `blockStatus` throws.
 */
export async function* statusRuns(
  client: NbdClient,
  context: string,
  range: { offset: number; length: number } = { offset: 0, length: client.size },
): AsyncGenerator<StatusRun> {
  const end = range.offset + range.length;
  let open: StatusRun | undefined;
  let position = range.offset;
  while (position < end) {
    for (const run of await client.blockStatus(context, position, end - position)) {
      position = run.offset + run.length;
      if (open?.flags === run.flags) open.length += run.length;
      else {
        if (open !== undefined) yield open;
        open = { ...run };
      }
    }
  }
  if (open !== undefined) yield open;
}
