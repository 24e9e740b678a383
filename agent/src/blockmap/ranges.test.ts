import fc from "fast-check";
import { expect, test } from "vitest";
import { markedBlocks, stream } from "../../../test/helpers/model-disk.ts";
import { changedRanges, createRangeCursor, type Range } from "./ranges.ts";
import { BLOCK_SIZE, blankBitmap, SEGMENT_BYTES } from "./segment.ts";

const DISK = 3 * SEGMENT_BYTES + 5 * BLOCK_SIZE + 77;

const ranges = fc
  .array(fc.record({ offset: fc.nat(DISK + BLOCK_SIZE), length: fc.oneof(fc.nat(3 * BLOCK_SIZE), fc.nat(DISK)) }), {
    maxLength: 12,
  })
  .map((list) => list.sort((a, b) => a.offset - b.offset));

function touchedBlocks(list: Range[]): Set<number> {
  const touched = new Set<number>();
  for (const { offset, length } of list) {
    const end = length === 0 ? 0 : Math.min(offset + length, DISK);
    for (let block = Math.floor(offset / BLOCK_SIZE); block * BLOCK_SIZE < end; block++) touched.add(block);
  }
  return touched;
}

test("a cursor gives every touched block once, segment by segment", async () => {
  await fc.assert(
    fc.asyncProperty(ranges, async (list) => {
      const cursor = createRangeCursor(stream(list), DISK);
      const seen: number[] = [];
      for (let index = await cursor.peek(); index !== Number.POSITIVE_INFINITY; index = await cursor.peek()) {
        seen.push(...markedBlocks(index, (await cursor.take(index)) ?? blankBitmap()));
        expect(await cursor.take(index)).toBeNull();
      }
      expect(seen).toEqual([...touchedBlocks(list)].sort((a, b) => a - b));
    }),
    { numRuns: 200 },
  );
});

test("a cursor that is asked for one later segment only has dropped the earlier ones", async () => {
  await fc.assert(
    fc.asyncProperty(ranges, fc.nat(3), async (list, index) => {
      const bitmap = await createRangeCursor(stream(list), DISK).take(index);
      const wanted = [...touchedBlocks(list)].filter((block) => Math.floor(block / 1024) === index);
      expect(bitmap === null ? [] : markedBlocks(index, bitmap)).toEqual(wanted.sort((a, b) => a - b));
      expect(bitmap === null).toBe(wanted.length === 0);
    }),
    { numRuns: 200 },
  );
});

test("a range inside one that was given out does not come again", async () => {
  const nested = [
    { offset: 0, length: SEGMENT_BYTES },
    { offset: BLOCK_SIZE, length: BLOCK_SIZE },
  ];
  const cursor = createRangeCursor(stream(nested), DISK);
  expect(await cursor.take(0)).toEqual(new Uint8Array(128).fill(255));
  expect(await cursor.peek()).toBe(Number.POSITIVE_INFINITY);
});

test.each([[{ offset: 0, length: -1 }], [{ offset: Number.NaN, length: 1 }], [{ offset: BLOCK_SIZE - 1, length: 10 }]])(
  "ranges out of order or without sense are refused: %j",
  async (bad) => {
    const cursor = createRangeCursor(stream([{ offset: BLOCK_SIZE, length: 1 }, bad]), DISK);
    await expect(cursor.take(3)).rejects.toMatchObject({ code: "INTERNAL" });
  },
);

test("changed blocks become coalesced ranges that end with the disk, and lead back to the same blocks", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3 * 1024 + 5), { maxLength: 60 }), (blocks) => {
      const bitmaps = [0, 1, 2, 3].map(() => blankBitmap());
      for (const block of blocks) {
        const bitmap = bitmaps[block >> 10] ?? blankBitmap();
        bitmap[(block & 1023) >> 3] = (bitmap[(block & 1023) >> 3] ?? 0) | (1 << (block & 7));
      }
      const all = bitmaps.map((bitmap, index) => changedRanges(index, bitmap, DISK));
      for (const [range, before] of all.flatMap((list) => list.map((one, at) => [one, list[at - 1]] as const))) {
        expect(range.length).toBeGreaterThan(0);
        expect(range.offset + range.length).toBeLessThanOrEqual(DISK);
        expect(range.offset % BLOCK_SIZE).toBe(0);
        if (before !== undefined) expect(range.offset).toBeGreaterThan(before.offset + before.length);
      }
      expect(touchedBlocks(all.flat())).toEqual(new Set(blocks.sort((a, b) => a - b)));
    }),
  );
});
