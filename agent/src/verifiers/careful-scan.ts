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
import type { NbdClient } from "../nbd/client.ts";
import { isReadError } from "./data-ranges.ts";

/** Blocks of one read (1 MiB); after an error its blocks are read one by one. */
const RUN_BLOCKS = 16;

export type CarefulSegment = { index: number; changed: Uint8Array; unreadable: Uint8Array; bytesRead: number };

export type CarefulOptions = {
  client: NbdClient;
  diskSize: number;
  data: AsyncIterable<Range>;
  expected: AsyncIterable<Segment>;
};

type Reading = { segment: Segment; digests: Buffer[]; unreadable: Uint8Array; bytesRead: number };

/**
 * Compares as `scanDisk` does, slower, one block at a time where a read fails: yields which blocks differ and which
 * cannot be read. Throws what is not a read error.
 */
export async function* carefulScan(options: CarefulOptions): AsyncGenerator<CarefulSegment> {
  const { client, diskSize, data, expected } = options;
  for await (const plan of planSegments({ diskSize, data, expected })) {
    const segment = { index: plan.index, present: blankBitmap(), digests: new Uint8Array() };
    const reading: Reading = { segment, digests: [], unreadable: blankBitmap(), bytesRead: 0 };
    for (const run of blockRuns(plan.wanted, RUN_BLOCKS)) await readRun(client, diskSize, run, reading);
    segment.digests = Buffer.concat(reading.digests);
    const { unreadable, bytesRead } = reading;
    const changed = differingBlocks(segment, plan.expected).map((byte, at) => byte & ~(unreadable[at] ?? 0));
    if (!isBlank(changed) || !isBlank(unreadable) || bytesRead > 0)
      yield { index: plan.index, changed, unreadable, bytesRead };
  }
}

type Run = { first: number; count: number };

async function readRun(client: NbdClient, diskSize: number, run: Run, reading: Reading): Promise<void> {
  const offset = reading.segment.index * SEGMENT_BYTES + run.first * BLOCK_SIZE;
  const content = Buffer.allocUnsafe(Math.min(run.count * BLOCK_SIZE, diskSize - offset));
  try {
    await client.read(offset, content);
  } catch (error) {
    if (!isReadError(error)) throw error;
    if (run.count === 1) return addBlocks(reading.unreadable, run.first, run.first + 1);
    for (let at = 0; at < run.count; at++)
      await readRun(client, diskSize, { first: run.first + at, count: 1 }, reading);
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
