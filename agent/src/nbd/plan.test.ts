import { setTimeout as wait } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { forEachLimited, planRead } from "./plan.ts";

const small = fc.integer({ min: 0, max: 300 });

test("a read is cut into aligned requests that fill the target once, front to back", () => {
  const power = fc.integer({ min: 0, max: 5 });
  fc.assert(
    fc.property(
      small,
      small,
      small,
      power,
      fc.integer({ min: 1, max: 4 }),
      (offset, length, after, exponent, blocks) => {
        const minimumBlock = 2 ** exponent;
        const maximumBlock = minimumBlock * blocks;
        const size = offset + length + after;
        let filled = 0;
        for (const part of planRead(offset, length, { size, minimumBlock, maximumBlock })) {
          expect(part.at).toBe(filled);
          expect(part.offset + part.skip).toBe(offset + filled);
          expect(part.offset % minimumBlock).toBe(0);
          expect(part.length % minimumBlock === 0 || part.offset + part.length === size).toBe(true);
          expect(part.length).toBeLessThanOrEqual(maximumBlock);
          expect(part.offset + part.length).toBeLessThanOrEqual(size);
          expect(part.take).toBeGreaterThan(0);
          expect(part.skip + part.take).toBeLessThanOrEqual(part.length);
          filled += part.take;
        }
        expect(filled).toBe(length);
      },
    ),
  );
});

test("an error is reported only when nothing runs any more, and starts nothing new", async () => {
  const log: number[] = [];
  const work = async (item: number) => {
    await wait(item === 0 ? 5 : 40);
    log.push(item);
    if (item === 0) throw new Error("first");
  };
  await expect(forEachLimited([0, 1, 2, 3], 2, work)).rejects.toThrow("first");
  expect(log).toEqual([0, 1]);
});
