/** A sparse disk as a plain table of its blocks, and the naive answers that the block map code is held against. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { BLOCK_SIZE, countBlocks, hasBlock, SEGMENT_BLOCKS, type Segment } from "../../agent/src/blockmap/segment.ts";

/** Block number → what fills it; 0 = zeros that are written, a number = repeated text. A block not named is a hole. */
export type Blocks = Map<number, number>;

export async function* stream<Item>(items: Iterable<Item>): AsyncGenerator<Item> {
  yield* items;
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export function blockContent(block: number, fill: number, diskSize: number): Buffer {
  const length = Math.min(BLOCK_SIZE, diskSize - block * BLOCK_SIZE);
  return Buffer.alloc(length, fill === 0 ? 0 : `${fill}.`);
}

/** Writes the disk as a sparse file; an existing one is replaced in place. */
export async function writeModelDisk(path: string, blocks: Blocks, diskSize: number): Promise<void> {
  await using file = await open(path, "w");
  await file.truncate(diskSize);
  for (const [block, fill] of blocks) {
    const content = blockContent(block, fill, diskSize);
    await file.write(content, 0, content.length, block * BLOCK_SIZE);
  }
}

/** Block number → sha256 (hex) of the blocks that are not zeros. */
export function naiveDigests(blocks: Blocks, diskSize: number): Map<number, string> {
  const digests = new Map<number, string>();
  for (const [block, fill] of [...blocks].sort(([a], [b]) => a - b)) {
    const digest = createHash("sha256")
      .update(blockContent(block, fill, diskSize))
      .digest("hex");
    if (fill !== 0) digests.set(block, digest);
  }
  return digests;
}

/** The segments of a map with these digests. */
export function toSegments(digests: Map<number, string>): Segment[] {
  const segments = new Map<number, Segment>();
  for (const [block, digest] of [...digests].sort(([a], [b]) => a - b)) {
    const index = Math.floor(block / SEGMENT_BLOCKS);
    const segment = segments.get(index) ?? { index, present: new Uint8Array(128), digests: new Uint8Array(0) };
    const bit = block % SEGMENT_BLOCKS;
    segment.present[bit >> 3] = (segment.present[bit >> 3] ?? 0) | (1 << (bit & 7));
    segment.digests = Buffer.concat([segment.digests, Buffer.from(digest, "hex")]);
    segments.set(index, segment);
  }
  return [...segments.values()];
}

/** The way back: block number → sha256 (hex). */
export function fromSegments(segments: Iterable<Segment>): Map<number, string> {
  const digests = new Map<number, string>();
  for (const { index, present, digests: all } of segments) {
    if (all.length !== countBlocks(present) * 32) throw new Error("digests do not fit the bitmap");
    markedBlocks(index, present).forEach((block, at) => {
      digests.set(block, Buffer.from(all.subarray(at * 32, at * 32 + 32)).toString("hex"));
    });
  }
  return digests;
}

/** Numbers, on the disk, of the blocks that a segment's bitmap marks. */
export function markedBlocks(index: number, bitmap: Uint8Array): number[] {
  return Array.from({ length: SEGMENT_BLOCKS }, (_, bit) => bit)
    .filter((bit) => hasBlock(bitmap, bit))
    .map((bit) => index * SEGMENT_BLOCKS + bit);
}
