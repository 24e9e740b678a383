import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as model from "../../../test/helpers/model-disk.ts";
import { scratchFolder } from "../../../test/helpers/nbd-servers.ts";
import type { Range } from "./ranges.ts";
import { type ScannedSegment, scanDisk } from "./scan.ts";
import { BLOCK_SIZE, SEGMENT_BYTES } from "./segment.ts";

const TAIL = 3 * BLOCK_SIZE + 1000;
const DISK = 3 * SEGMENT_BYTES + TAIL;
const BLOCKS = Math.ceil(DISK / BLOCK_SIZE);

/** Where most things happen: both ends of segments, and the cut-off last block. */
const block = fc.oneof(
  fc.constantFrom(0, 1, 1022, 1023, 1024, 1025, 2047, 2048, BLOCKS - 2, BLOCKS - 1),
  fc.nat(BLOCKS - 1),
);
const blocks = fc.array(fc.tuple(block, fc.nat(40), fc.nat(3)), { maxLength: 12 }).map((runs) => {
  const all = runs.flatMap(([first, count, fill]) =>
    Array.from({ length: count + 1 }, (_, at): [number, number] => [first + at, fill]),
  );
  return new Map(all.filter(([at]) => at < BLOCKS));
});
const ranges = fc
  .array(fc.record({ offset: fc.nat(DISK - 1), length: fc.oneof(fc.nat(BLOCK_SIZE), fc.nat(SEGMENT_BYTES)) }), {
    maxLength: 5,
  })
  .map((list) => list.sort((a, b) => a.offset - b.offset));

function touches(list: Range[], at: number): boolean {
  const [start, end] = [at * BLOCK_SIZE, Math.min((at + 1) * BLOCK_SIZE, DISK)];
  return list.some(({ offset, length }) => length > 0 && offset < end && offset + length > start);
}

/** What a scan must say, worked out block by block. */
function naiveScan(current: Map<number, string>, before: Map<number, string>, candidates: Range[] | undefined) {
  const actual = new Map<number, string>();
  const changed: number[] = [];
  for (let at = 0; at < BLOCKS; at++) {
    const looked = candidates === undefined || touches(candidates, at);
    const digest = looked ? current.get(at) : before.get(at);
    if (digest !== undefined) actual.set(at, digest);
    if (digest !== before.get(at)) changed.push(at);
  }
  const segments = new Set([...actual.keys(), ...before.keys()].map((at) => at >> 10));
  return { actual, changed, segments: [...segments].sort((a, b) => a - b) };
}

function flatten(scanned: ScannedSegment[]) {
  return {
    actual: model.fromSegments(scanned.map(({ actual }) => actual)),
    changed: scanned.flatMap(({ index, changed }) => model.markedBlocks(index, changed)),
    segments: scanned.map(({ index }) => index),
  };
}

/** Ranges that hold all data of the disk, and some more. */
function dataRanges(disk: model.Blocks, more: Range[]): Range[] {
  const exact = [...disk.keys()].map((at) => ({ offset: at * BLOCK_SIZE, length: BLOCK_SIZE }));
  return [...exact, ...more].sort((a, b) => a.offset - b.offset);
}

test("a scan says what a naive hash of the disk says: full, against a map, with and without candidates", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.raw");
  const input = fc.record({
    current: blocks,
    before: fc.option(blocks, { nil: undefined }),
    candidates: fc.option(ranges, { nil: undefined }),
    more: ranges,
    workers: fc.integer({ min: 1, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(input, async ({ current, before, candidates, more, workers }) => {
      await model.writeModelDisk(path, current, DISK);
      const old = model.naiveDigests(before ?? new Map(), DISK);
      const data = dataRanges(current, more);
      const scanned = await model.collect(
        scanDisk({
          diskSize: DISK,
          reader: { kind: "file", path },
          data: model.stream(data),
          expected: before && model.stream(model.toSegments(old)),
          candidates: candidates && model.stream(candidates),
          workers,
        }),
      );
      expect(flatten(scanned)).toEqual(naiveScan(model.naiveDigests(current, DISK), old, candidates));
      const expected = scanned.flatMap((segment) => segment.expected ?? []);
      expect(model.fromSegments(expected)).toEqual(old);
      const read = scanned.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
      const wanted = Array.from({ length: BLOCKS }, (_, at) => at).filter(
        (at) => touches(data, at) && (candidates === undefined || touches(candidates, at)),
      );
      const silent = wanted.filter((at) => !scanned.some(({ index }) => index === at >> 10));
      const bytes = (list: number[]) => list.reduce((sum, at) => sum + Math.min(BLOCK_SIZE, DISK - at * BLOCK_SIZE), 0);
      expect(read).toBe(bytes(wanted) - bytes(silent));
    }),
    { numRuns: 60 },
  );
});

test("one changed byte changes its block, and nothing else", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.raw");
  const before = new Map([...Array(300).keys()].map((at): [number, number] => [at * 10, 1]));
  const current = new Map(before).set(1500, 2);
  await model.writeModelDisk(path, current, DISK);
  const scanned = await model.collect(
    scanDisk({
      diskSize: DISK,
      reader: { kind: "file", path },
      data: model.stream([{ offset: 0, length: DISK }]),
      expected: model.stream(model.toSegments(model.naiveDigests(before, DISK))),
    }),
  );
  expect(flatten(scanned).changed).toEqual([1500]);
});

test("the cost of a sparse disk follows its data: 1 TiB with three blocks takes no time", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.raw");
  const diskSize = 2 ** 40;
  const current = new Map([7, 9_000_000, diskSize / BLOCK_SIZE - 1].map((at): [number, number] => [at, 3]));
  await model.writeModelDisk(path, current, diskSize);
  const started = performance.now();
  const data = [...current.keys()].map((at) => ({ offset: at * BLOCK_SIZE, length: 4096 }));
  const scanned = await model.collect(scanDisk({ diskSize, reader: { kind: "file", path }, data: model.stream(data) }));
  expect(flatten(scanned).actual).toEqual(model.naiveDigests(current, diskSize));
  expect(performance.now() - started).toBeLessThan(1000);
});

test("an expected map of a larger disk is refused", async () => {
  const scan = scanDisk({
    diskSize: SEGMENT_BYTES,
    reader: { kind: "file", path: "/nowhere" },
    data: model.stream([]),
    expected: model.stream(model.toSegments(new Map([[1024, "00".repeat(32)]]))),
  });
  await expect(scan.next()).rejects.toMatchObject({ code: "BAD_REQUEST" });
});
