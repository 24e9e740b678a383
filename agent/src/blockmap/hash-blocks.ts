import { hash } from "node:crypto";
import { HoldfastError } from "../errors.ts";
import type { BlockSource } from "./block-source.ts";
import type { HashedBlocks, HashRequest } from "./messages.ts";
import { addBlocks, BLOCK_SIZE, blankBitmap, blockRuns, countBlocks, DIGEST_BYTES, SEGMENT_BYTES } from "./segment.ts";

const ZEROS = Buffer.alloc(BLOCK_SIZE);

export type HashContext = {
  source: BlockSource;
  diskSize: number;
  /** Read buffers that are free, `source.runBlocks` blocks each; they are returned. */
  buffers: Buffer[];
  stopped(): boolean;
};

type Run = { first: number; content: Buffer; arrived: Promise<void> | undefined };

/**
 * Reads the wanted blocks of a segment and hashes those that are not zeros, with `source.depth` reads under way while
 * earlier ones are hashed. Errors: CANCELLED once stopped, and the source's own.
 */
export async function hashBlocks(request: HashRequest, context: HashContext): Promise<HashedBlocks> {
  const runs = blockRuns(request.wanted, context.source.runBlocks);
  const found = { present: blankBitmap(), digests: Buffer.alloc(countBlocks(request.wanted) * DIGEST_BYTES), used: 0 };
  const reading: Run[] = [];
  let bytesRead = 0;
  try {
    for (let started = 0; started < runs.length || reading.length > 0; ) {
      const next = runs[started];
      if (next !== undefined && reading.length < context.source.depth) {
        reading.push(startRun(request.index, next, context));
        started += 1;
        continue;
      }
      const run = reading[0];
      if (run === undefined) break;
      await run.arrived;
      bytesRead += run.content.length;
      hashRun(run, found);
      release(reading.splice(0, 1), context);
    }
  } finally {
    await Promise.allSettled(reading.map((run) => run.arrived));
    release(reading, context);
  }
  return { present: found.present, digests: found.digests.subarray(0, found.used), bytesRead };
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

function hashRun(run: Run, found: { present: Uint8Array; digests: Buffer; used: number }): void {
  for (let at = 0; at < run.content.length; at += BLOCK_SIZE) {
    const content = run.content.subarray(at, at + BLOCK_SIZE);
    if (isZero(content)) continue;
    const block = run.first + at / BLOCK_SIZE;
    addBlocks(found.present, block, block + 1);
    found.digests.set(hash("sha256", content, "buffer"), found.used);
    found.used += DIGEST_BYTES;
  }
}

function isZero(content: Buffer): boolean {
  return content.length === BLOCK_SIZE ? content.equals(ZEROS) : content.equals(ZEROS.subarray(0, content.length));
}
