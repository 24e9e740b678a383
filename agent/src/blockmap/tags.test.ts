import { createCipheriv, createHash } from "node:crypto";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as model from "../../../test/helpers/model-disk.ts";
import { scratchFolder } from "../../../test/helpers/nbd-servers.ts";
import { sampled } from "../../../test/helpers/sample.ts";
import type { Range } from "./ranges.ts";
import { scanDisk } from "./scan.ts";
import { BLOCK_SIZE, SEGMENT_BYTES, type Segment } from "./segment.ts";
import { createTagger } from "./tags.ts";

const DISK = 2 * SEGMENT_BYTES + 3 * BLOCK_SIZE + 1000;
const BLOCKS = Math.ceil(DISK / BLOCK_SIZE);
const KEY = createHash("sha256").update("tags").digest();
const NONE = "00".repeat(16);
const EVERYTHING: Range[] = [{ offset: 0, length: DISK }];

/** GMAC as the standard says; the nonce is the segment's index, zeros, and the block's number in it. */
function naiveTag(block: number, content: Buffer, key = KEY): string {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(block >> 10, 0);
  nonce.writeUInt32BE(block & 1023, 8);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(content);
  cipher.final();
  return cipher.getAuthTag().toString("hex");
}

function naiveTags(blocks: model.Blocks, key = KEY): Map<number, string> {
  const data = [...blocks].filter(([, fill]) => fill !== 0);
  return new Map(data.map(([block, fill]) => [block, naiveTag(block, model.blockContent(block, fill, DISK), key)]));
}

function withTags(segments: Segment[], tags: Map<number, string>): Segment[] {
  return segments.map((segment) => {
    const blocks = model.markedBlocks(segment.index, segment.present);
    return { ...segment, tags: Buffer.from(blocks.map((block) => tags.get(block) ?? NONE).join(""), "hex") };
  });
}

function tagsIn(segments: Segment[]): Map<number, string> {
  const found = segments.flatMap(({ index, present, tags = new Uint8Array() }) =>
    model
      .markedBlocks(index, present)
      .map((block, at): [number, string] => [block, Buffer.from(tags.subarray(at * 16, at * 16 + 16)).toString("hex")]),
  );
  return new Map(found);
}

const block = fc.oneof(fc.constantFrom(0, 1, 1023, 1024, BLOCKS - 2, BLOCKS - 1), fc.nat(BLOCKS - 1));
const blocks = fc.array(fc.tuple(block, fc.nat(30), fc.nat(2)), { maxLength: 10 }).map((runs) => {
  const all = runs.flatMap(([first, count, fill]) =>
    Array.from({ length: count + 1 }, (_, at): [number, number] => [first + at, fill]),
  );
  return new Map(all.filter(([at]) => at < BLOCKS));
});

async function scan(path: string, expected: Segment[], more: { candidates?: Range[]; tagKey?: Uint8Array } = {}) {
  const { candidates, tagKey = KEY } = more;
  const scanned = await model.collect(
    scanDisk({
      diskSize: DISK,
      reader: { kind: "file", path },
      data: model.stream(EVERYTHING),
      expected: model.stream(expected),
      ...(candidates && { candidates: model.stream(candidates) }),
      tagKey,
    }),
  );
  const actual = scanned.map((segment) => segment.actual);
  const changed = scanned.flatMap(({ index, changed: bitmap }) => model.markedBlocks(index, bitmap));
  return { digests: model.fromSegments(actual), tags: tagsIn(actual), changed };
}

test("with tags a scan finds what a naive comparison finds, and passes right tags on", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.raw");
  const input = fc.record({
    before: blocks,
    writes: blocks,
    /** Blocks whose tag is not known. */
    untagged: fc.array(block),
    candidates: fc.option(fc.array(block), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(input, async ({ before, writes, untagged, candidates }) => {
      const current = new Map([...before, ...writes]);
      await model.writeModelDisk(path, current, DISK);
      const old = model.naiveDigests(before, DISK);
      const oldTags = naiveTags(before);
      for (const at of untagged) oldTags.delete(at);
      const looked = candidates && new Set(candidates);
      const ranges = looked && [...looked].sort((a, b) => a - b).map((at) => ({ offset: at * BLOCK_SIZE, length: 1 }));
      const found = await scan(path, withTags(model.toSegments(old), oldTags), ranges && { candidates: ranges });

      const digests = new Map<number, string>();
      const tags = new Map<number, string>();
      const changed: number[] = [];
      const [now, nowTags] = [model.naiveDigests(current, DISK), naiveTags(current)];
      for (let at = 0; at < BLOCKS; at++) {
        const seen = looked === undefined || looked.has(at);
        const digest = (seen ? now : old).get(at);
        if (digest !== undefined) digests.set(at, digest);
        if (digest !== undefined) tags.set(at, (seen ? nowTags : oldTags).get(at) ?? NONE);
        if (digest !== old.get(at)) changed.push(at);
      }
      expect(found).toEqual({ digests, tags, changed });
    }),
    { numRuns: sampled(20, 60) },
  );
});

test("a block with its expected tag keeps the expected digest unhashed; any other is hashed", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.raw");
  const disk = new Map([3, 700, 1500].map((at): [number, number] => [at, 1]));
  await model.writeModelDisk(path, disk, DISK);
  const [right, planted] = [model.naiveDigests(disk, DISK), "ab".repeat(32)];
  const expected = (tags: Map<number, string>) =>
    withTags(model.toSegments(new Map([...right.keys()].map((at) => [at, planted]))), tags);
  const tags = naiveTags(disk).set(700, naiveTag(700, Buffer.from("something else")));
  const found = await scan(path, expected(tags));
  expect(found.changed).toEqual([700]);
  expect(found.digests).toEqual(new Map([...right.keys()].map((at) => [at, at === 700 ? right.get(at) : planted])));
  expect(found.tags).toEqual(naiveTags(disk));
  // Tags of another key, of other places, or "none" say nothing: all is hashed.
  const swapped = naiveTags(disk);
  swapped
    .set(3, tags.get(1500) ?? "")
    .set(1500, tags.get(3) ?? "")
    .delete(700);
  for (const useless of [naiveTags(disk, Buffer.alloc(32, 9)), swapped, new Map<number, string>()]) {
    expect(await scan(path, expected(useless))).toMatchObject({ digests: right, changed: [3, 700, 1500] });
  }
});

test("every single bit of a block counts, and so does its place", () => {
  const tagger = createTagger(KEY);
  const content = Buffer.alloc(BLOCK_SIZE, "content");
  const tag = tagger(1, 5, content);
  expect(tag.toString("hex")).toBe(naiveTag(1029, content));
  expect(tagger(1, 6, content).equals(tag)).toBe(false);
  for (let bit = 0; bit < BLOCK_SIZE * 8; bit += 997) {
    const other = Buffer.from(content);
    other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(tagger(1, 5, other).equals(tag)).toBe(false);
  }
  expect(tagger(1, 5, content).equals(tag)).toBe(true);
});
