import { availableParallelism } from "node:os";
import { HoldfastError } from "../errors.ts";
import { createDispatcher, type Dispatcher } from "./dispatcher.ts";
import { mergeSegment } from "./merge.ts";
import type { BlockReader, HashedBlocks } from "./messages.ts";
import { type PlanInput, planSegments, type SegmentPlan } from "./plan.ts";
import { BLOCK_SIZE, isBlank, type Segment, splitBlocks } from "./segment.ts";
import { warmUpWorkers } from "./worker-pool.ts";

export type { BlockReader } from "./messages.ts";
export type { Range } from "./ranges.ts";

const DEFAULT_WORKERS = 4;
/** Blocks of one task (16 MiB, 3 to 12 ms): few enough to keep all workers busy, enough not to notice the messages. */
const TASK_BLOCKS = 256;
/** Tasks handed out ahead of the consumer, for each worker. */
const TASKS_AHEAD = 12;
/** Of the blocks that a dirty bitmap names so many are hashed without a thread: 64 MiB, in less time than threads take to start. */
const OWN_BLOCKS = 1024;
/** Under a speed limit tasks are this part of a second, so that reading does not come in bursts. */
const LIMITED_TASK_SECONDS = 0.05;

export type ScannedSegment = {
  index: number;
  actual: Segment;
  /** What was expected of this segment, as it was given; null when nothing was. */
  expected: Segment | null;
  /** 128-byte bitmap: the blocks whose digest differs from the expected one; absent against present counts. */
  changed: Uint8Array;
  bytesRead: number;
};

export type ScanOptions = PlanInput & {
  reader: BlockReader;
  /** Default: the cores at hand, at most 4. */
  workers?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Bytes per second of reading. */
  speedLimit?: number | undefined;
  /** `actual` gets tags under this key, and those of `expected`, which must be of the same key, are believed. */
  tagKey?: Uint8Array | undefined;
};

function defaultWorkers(): number {
  return Math.min(availableParallelism(), DEFAULT_WORKERS);
}

/** Gets the threads of a scan going while its source is still being prepared. */
export function warmUpScan(): void {
  warmUpWorkers(defaultWorkers());
}

type Pending = { plan: SegmentPlan; parts: Promise<HashedBlocks>[] };

/**
 * Reads and hashes what a disk holds, and compares it with what is expected: the one operation under full,
 * incremental, verify and drill. Yields ascending, and only segments in which something is present, expected or changed.
 *
 * - `data`: ascending ranges that may hold data; everything else counts as zeros and is not read.
 * - `expected`: the parent's map (increment) or the backup's own (verify); without it nothing is expected (full).
 * - `candidates`: ascending ranges; when given, only their blocks are looked at, all others keep the expected digest.
 * - `tagKey`: blocks that have their expected tag are not hashed and keep the expected digest.
 *
 * Errors: SOURCE_CHANGED when the source shrank, IO_ERROR with the offset, CANCELLED, what the given streams throw,
 * INTERNAL when a thread dies. Ending the iteration early stops the reading and frees everything.
 */
export async function* scanDisk(options: ScanOptions): AsyncGenerator<ScannedSegment> {
  const { diskSize, reader, signal, speedLimit, tagKey = null } = options;
  const workers = options.workers ?? defaultWorkers();
  const plans = planSegments(options);
  // Not from a file: its reads block the thread that makes them.
  const ownBlocks = options.candidates !== undefined && reader.kind === "nbd" ? OWN_BLOCKS : 0;
  const dispatcher = createDispatcher({ reader, diskSize, workers, speedLimit, signal, tagKey, ownBlocks });
  const pending: Pending[] = [];
  let tasksAhead = 0;
  let planned = false;
  try {
    for (;;) {
      while (!planned && tasksAhead < workers * TASKS_AHEAD) {
        throwIfAborted(signal);
        const next = await plans.next();
        if (next.done === true) planned = true;
        else {
          const started = startSegment(next.value, options, dispatcher);
          pending.push(started);
          tasksAhead += costOf(started);
        }
      }
      const first = pending.shift();
      if (first === undefined) return;
      const scanned = await finishSegment(first, tagKey !== null);
      tasksAhead -= costOf(first);
      if (scanned !== null) yield scanned;
    }
  } finally {
    await dispatcher.close();
    await plans.return(undefined);
  }
}

function startSegment(plan: SegmentPlan, options: ScanOptions, dispatcher: Dispatcher): Pending {
  const { index, wanted, expected } = plan;
  const known = options.tagKey && expected?.tags ? { present: expected.present, tags: expected.tags } : null;
  const pieces = splitBlocks(wanted, blocksOfTask(options.speedLimit));
  return { plan, parts: pieces.map((piece) => dispatcher.hash({ index, wanted: piece, expected: known })) };
}

/** A segment without tasks still takes a place, so that a long run of them cannot pile up. */
function costOf(pending: Pending): number {
  return Math.max(1, pending.parts.length);
}

async function finishSegment({ plan, parts }: Pending, tagged: boolean): Promise<ScannedSegment | null> {
  const hashed = await Promise.all(parts);
  const bytesRead = hashed.reduce((sum, part) => sum + part.bytesRead, 0);
  const { actual, changed } = mergeSegment(plan, hashed, tagged);
  if (plan.expected === null && isBlank(actual.present)) return null;
  return { index: plan.index, actual, expected: plan.expected, changed, bytesRead };
}

function blocksOfTask(speedLimit: number | undefined): number {
  if (speedLimit === undefined) return TASK_BLOCKS;
  if (!(speedLimit > 0)) throw new HoldfastError("BAD_REQUEST", { message: `a speed limit of ${speedLimit} bytes/s` });
  return Math.max(1, Math.min(TASK_BLOCKS, Math.floor((speedLimit * LIMITED_TASK_SECONDS) / BLOCK_SIZE)));
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new HoldfastError("CANCELLED", { message: "the scan was cancelled", cause: signal.reason });
}
