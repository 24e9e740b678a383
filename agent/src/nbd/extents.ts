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

/** Of one answer, roughly. Lists of 131,072 outlive the collector's young space: a fragmented disk cost 150 MB more. */
const RUNS_AT_ONCE = 4096;
const FIRST_WINDOW = 256 * 1024 ** 2;
const LEAST_WINDOW = 1024 ** 2;
const MOST_WINDOW = 4 * 1024 ** 3;

/** How much to ask about after an answer of so many runs about so many bytes. */
function nextWindow(window: number, runs: number, bytes: number): number {
  if (runs < RUNS_AT_ONCE / 4) return Math.min(window * 4, MOST_WINDOW);
  if (runs <= RUNS_AT_ONCE) return window;
  return Math.max(1, Math.floor(((bytes / runs) * RUNS_AT_ONCE) / LEAST_WINDOW)) * LEAST_WINDOW;
}

/**
 * The state of a range (default: the whole export) as a stream of runs that follow each other without gaps and differ
 * from their neighbours. Memory does not grow with the export, nor with the number of runs. Throws what `blockStatus`
 * throws.
 */
export async function* statusRuns(
  client: NbdClient,
  context: string,
  range: { offset: number; length: number } = { offset: 0, length: client.size },
): AsyncGenerator<StatusRun> {
  const end = range.offset + range.length;
  let open: StatusRun | undefined;
  let position = range.offset;
  let window = FIRST_WINDOW;
  while (position < end) {
    const asked = position;
    const runs = await client.blockStatus(context, position, Math.min(window, end - position));
    for (const run of runs) {
      position = run.offset + run.length;
      if (open?.flags === run.flags) open.length += run.length;
      else {
        if (open !== undefined) yield open;
        open = { ...run };
      }
    }
    window = nextWindow(window, runs.length, position - asked);
  }
  if (open !== undefined) yield open;
}
