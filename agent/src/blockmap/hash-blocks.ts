import { hash } from "node:crypto";
import { HoldfastError } from "../errors.ts";
import type { BlockSource } from "./block-source.ts";
import type { HashedBlocks, HashTask } from "./messages.ts";
import {
  addBlocks,
  BLOCK_SIZE,
  blankBitmap,
  blockPositions,
  blockRuns,
  countBlocks,
  DIGEST_BYTES,
  SEGMENT_BYTES,
  TAG_BYTES,
} from "./segment.ts";
import type { Tagger } from "./tags.ts";

const ZEROS = Buffer.alloc(BLOCK_SIZE);
const NO_TAG = Buffer.alloc(TAG_BYTES);

export type HashContext = {
  source: BlockSource;
  diskSize: number;
  /** Read buffers that are free, `source.runBlocks` blocks each; they are returned. */
  buffers: Buffer[];
  stopped(): boolean;
  tagger: Tagger | null;
};

type Job = {
  index: number;
  tagger: Tagger | null;
  expected: { positions: Int16Array; tags: Uint8Array } | null;
  present: Uint8Array;
  digests: Uint8Array;
  tags: Uint8Array;
  /** Blocks of which digest and tag stand there. */
  used: number;
  same: Uint8Array;
};
type Run = { first: number; content: Buffer; arrived: Promise<void> | undefined };

/**
 * Reads the wanted blocks of a segment and hashes those that are not zeros, with `source.depth` reads under way while
 * earlier ones are hashed. With a tagger, those that have their expected tag are not hashed either. Errors: CANCELLED
 * once stopped, and the source's own.
 */
export async function hashBlocks(task: HashTask, context: HashContext): Promise<HashedBlocks> {
  const runs = blockRuns(task.wanted, context.source.runBlocks);
  const job = createJob(task, context.tagger);
  const reading: Run[] = [];
  let bytesRead = 0;
  try {
    for (let started = 0; started < runs.length || reading.length > 0; ) {
      const next = runs[started];
      if (next !== undefined && reading.length < context.source.depth) {
        reading.push(startRun(task.index, next, context));
        started += 1;
        continue;
      }
      const run = reading[0];
      if (run === undefined) break;
      await run.arrived;
      bytesRead += run.content.length;
      hashRun(run, job);
      release(reading.splice(0, 1), context);
    }
  } finally {
    await Promise.allSettled(reading.map((run) => run.arrived));
    release(reading, context);
  }
  const { present, digests, tags, used, same } = job;
  // Copies: a piece of a buffer takes all of it along to the other thread.
  return {
    present,
    digests: new Uint8Array(digests.subarray(0, used * DIGEST_BYTES)),
    tags: new Uint8Array(tags.subarray(0, context.tagger === null ? 0 : used * TAG_BYTES)),
    same,
    bytesRead,
  };
}

function createJob(task: HashTask, tagger: Tagger | null): Job {
  const blocks = countBlocks(task.wanted);
  return {
    index: task.index,
    tagger,
    expected: task.expected && { positions: blockPositions(task.expected.present), tags: task.expected.tags },
    present: blankBitmap(),
    digests: new Uint8Array(blocks * DIGEST_BYTES),
    tags: new Uint8Array(blocks * TAG_BYTES),
    used: 0,
    same: blankBitmap(),
  };
}

function startRun(index: number, run: { first: number; count: number }, context: HashContext): Run {
  if (context.stopped()) throw new HoldfastError("CANCELLED", { message: "the scan was stopped" });
  const offset = index * SEGMENT_BYTES + run.first * BLOCK_SIZE;
  const length = Math.min(run.count * BLOCK_SIZE, context.diskSize - offset);
  const buffer = context.buffers.pop() ?? allocate(context.source);
  const content = buffer.subarray(0, length);
  const arrived = context.source.read(offset, content) ?? undefined;
  // It is awaited in its turn; until then its failure must not count as unhandled.
  arrived?.catch(() => undefined);
  return { first: run.first, content, arrived };
}

function allocate({ runBlocks, allocate: ofSource = Buffer.allocUnsafeSlow }: BlockSource): Buffer {
  return ofSource(runBlocks * BLOCK_SIZE);
}

function release(runs: Run[], context: HashContext): void {
  for (const { content } of runs) context.buffers.push(Buffer.from(content.buffer));
}

function hashRun(run: Run, job: Job): void {
  for (let at = 0; at < run.content.length; at += BLOCK_SIZE) {
    const content = run.content.subarray(at, at + BLOCK_SIZE);
    if (!isZero(content)) hashBlock(run.first + at / BLOCK_SIZE, content, job);
  }
}

function hashBlock(block: number, content: Buffer, job: Job): void {
  const tag = job.tagger?.(job.index, block, content);
  if (tag !== undefined && isExpected(tag, block, job)) {
    addBlocks(job.same, block, block + 1);
    return;
  }
  addBlocks(job.present, block, block + 1);
  job.digests.set(hash("sha256", content, "buffer"), job.used * DIGEST_BYTES);
  if (tag !== undefined) job.tags.set(tag, job.used * TAG_BYTES);
  job.used += 1;
}

function isExpected(tag: Buffer, block: number, { expected }: Job): boolean {
  const position = expected?.positions[block] ?? -1;
  if (expected === null || position < 0) return false;
  const at = position * TAG_BYTES;
  return tag.compare(expected.tags, at, at + TAG_BYTES) === 0 && !tag.equals(NO_TAG);
}

function isZero(content: Buffer): boolean {
  return content.length === BLOCK_SIZE ? content.equals(ZEROS) : content.equals(ZEROS.subarray(0, content.length));
}
