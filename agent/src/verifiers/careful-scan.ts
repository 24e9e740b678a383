import { hash } from "node:crypto";
import { planSegments } from "../blockmap/plan.ts";
import type { Range } from "../blockmap/ranges.ts";
import {
  addBlocks,
  BLOCK_SIZE,
  blankBitmap,
  blockRuns,
  differingBlocks,
  isBlank,
  SEGMENT_BYTES,
  type Segment,
} from "../blockmap/segment.ts";
import { isReadError, type SteadyClient } from "./steady-client.ts";

/** Blocks of one read (1 MiB); after an error its blocks are read one by one. */
const RUN_BLOCKS = 16;

export type CarefulSegment = { index: number; changed: Uint8Array; unreadable: Uint8Array; bytesRead: number };

export type CarefulOptions = {
  client: SteadyClient;
  diskSize: number;
  data: AsyncIterable<Range>;
  expected: AsyncIterable<Segment>;
  /** Time in ms that failing reads may still take, counted down; a dying disk can need minutes for each. */
  patience: { ms: number };
};

type Source = Pick<CarefulOptions, "client" | "diskSize" | "patience">;
type Reading = { segment: Segment; digests: Buffer[]; unreadable: Uint8Array; bytesRead: number };

/**
 * Compares as `scanDisk` does, slower, one block at a time where a read fails: yields which blocks differ and which
 * cannot be read. Without patience left, what fails is not cut into blocks any more, and it ends after that segment.
 * Throws what is not a read error.
 */
export async function* carefulScan(options: CarefulOptions): AsyncGenerator<CarefulSegment> {
  const { diskSize, data, expected, patience } = options;
  for await (const plan of planSegments({ diskSize, data, expected })) {
    const segment = { index: plan.index, present: blankBitmap(), digests: new Uint8Array() };
    const reading: Reading = { segment, digests: [], unreadable: blankBitmap(), bytesRead: 0 };
    for (const run of blockRuns(plan.wanted, RUN_BLOCKS)) await readRun(options, run, reading);
    segment.digests = Buffer.concat(reading.digests);
    const { unreadable, bytesRead } = reading;
    const changed = differingBlocks(segment, plan.expected).map((byte, at) => byte & ~(unreadable[at] ?? 0));
    if (!isBlank(changed) || !isBlank(unreadable) || bytesRead > 0)
      yield { index: plan.index, changed, unreadable, bytesRead };
    if (patience.ms <= 0) return;
  }
}

type Run = { first: number; count: number };

async function readRun(source: Source, run: Run, reading: Reading): Promise<void> {
  const { client, diskSize, patience } = source;
  const offset = reading.segment.index * SEGMENT_BYTES + run.first * BLOCK_SIZE;
  const content = Buffer.allocUnsafe(Math.min(run.count * BLOCK_SIZE, diskSize - offset));
  const started = performance.now();
  try {
    if (patience.ms <= 0) return addBlocks(reading.unreadable, run.first, run.first + run.count);
    await client.read(offset, content);
  } catch (error) {
    if (!isReadError(error)) throw error;
    patience.ms -= performance.now() - started;
    if (run.count === 1) return addBlocks(reading.unreadable, run.first, run.first + 1);
    for (let at = 0; at < run.count; at++) await readRun(source, { first: run.first + at, count: 1 }, reading);
    return;
  }
  reading.bytesRead += content.length;
  for (let at = 0; at < content.length; at += BLOCK_SIZE) {
    const block = content.subarray(at, at + BLOCK_SIZE);
    if (block.every((byte) => byte === 0)) continue;
    addBlocks(reading.segment.present, run.first + at / BLOCK_SIZE, run.first + at / BLOCK_SIZE + 1);
    reading.digests.push(hash("sha256", block, "buffer"));
  }
}
