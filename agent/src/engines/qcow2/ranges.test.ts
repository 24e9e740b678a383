import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Range } from "../../blockmap/scan.ts";
import { sampleBlocks, wholeBlocks, withSamples } from "./ranges.ts";

const BLOCK = 65_536;

/** Ascending, disjoint ranges of bytes, as an export's dirty bitmap gives them. */
const dirtyRanges = fc
  .uniqueArray(fc.nat(200 * BLOCK), { maxLength: 40 })
  .map((cuts) => cuts.toSorted((a, b) => a - b))
  .map((cuts) => cuts.flatMap((from, at) => (at % 2 === 0 ? [[from, cuts[at + 1] ?? from + 512] as const] : [])))
  .map((pairs) => pairs.map(([from, to]) => ({ offset: from, length: to - from })));

async function* stream<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

describe("samples among dirty ranges", () => {
  it("come in order, all of them but those that are dirty anyway, and those are the clean ones", async () => {
    const samples = fc.uniqueArray(fc.nat(210), { maxLength: 64 }).map((drawn) => drawn.toSorted((a, b) => a - b));
    await fc.assert(
      fc.asyncProperty(dirtyRanges, samples, async (dirty, drawn) => {
        const clean = new Set<number>();
        const all: Range[] = [];
        for await (const range of withSamples(stream(dirty), drawn, clean)) all.push(range);
        const isDirty = (block: number): boolean =>
          dirty.some(({ offset, length }) => offset < (block + 1) * BLOCK && offset + length > block * BLOCK);
        expect([...clean]).toEqual(drawn.filter((block) => !isDirty(block)));
        expect(all.map(({ offset }) => offset)).toEqual(all.map(({ offset }) => offset).toSorted((a, b) => a - b));
        const added = [...clean].map((block) => ({ offset: block * BLOCK, length: BLOCK }));
        expect(all).toHaveLength(dirty.length + added.length);
        expect(all).toEqual(expect.arrayContaining([...dirty, ...added]));
      }),
    );
  });
});

describe("ranges as whole blocks", () => {
  it("cover the blocks that the ranges touch and no others, none beside another, inside the disk", async () => {
    const diskSizes = fc.integer({ min: 200 * BLOCK + 513, max: 210 * BLOCK });
    await fc.assert(
      fc.asyncProperty(dirtyRanges, diskSizes, async (ranges, diskSize) => {
        const whole: Range[] = [];
        for await (const range of wholeBlocks(stream(ranges), diskSize)) whole.push(range);
        const touched = new Set(
          ranges.flatMap(({ offset, length }) => blocksOf(Math.floor(offset / BLOCK), (offset + length) / BLOCK)),
        );
        expect(whole.flatMap(({ offset, length }) => blocksOf(offset / BLOCK, (offset + length) / BLOCK))).toEqual([
          ...touched,
        ]);
        for (const [at, { offset, length }] of whole.entries()) {
          expect(offset + length).toBeLessThanOrEqual(diskSize);
          expect(offset + length).toBeLessThan(whole[at + 1]?.offset ?? Number.POSITIVE_INFINITY);
        }
      }),
    );
  });

  const blocksOf = (first: number, end: number): number[] =>
    Array.from({ length: Math.ceil(end) - first }, (_, at) => first + at);
});

describe("the blocks that are looked at whatever a bitmap says", () => {
  it("are whole blocks of the disk, ascending, none twice, on small disks few", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 42 }), (size) => {
        const blocks = sampleBlocks(size, 64);
        expect(blocks).toEqual([...new Set(blocks)].toSorted((a, b) => a - b));
        expect(blocks.length).toBeGreaterThan(0);
        expect(blocks.length).toBeLessThanOrEqual(64);
        expect((blocks.at(-1) ?? 0) * BLOCK).toBeLessThan(size);
        expect(blocks[0]).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it("differ from backup to backup", () => {
    expect(sampleBlocks(2 ** 40, 64)).not.toEqual(sampleBlocks(2 ** 40, 64));
  });
});
