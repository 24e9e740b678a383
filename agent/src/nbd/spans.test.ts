import fc from "fast-check";
import { expect, test } from "vitest";
import { addSpan, coversExactly } from "./spans.ts";

const LENGTH = 40;
const pieces = fc.array(fc.tuple(fc.integer({ min: 0, max: LENGTH - 1 }), fc.integer({ min: 1, max: 8 })), {
  maxLength: 60,
});

test("agrees with a plain array of taken bytes, in any order of pieces", () => {
  fc.assert(
    fc.property(pieces, (adds) => {
      const taken = new Set<number>();
      const spans: number[] = [];
      for (const [start, length] of adds) {
        const bytes = Array.from({ length }, (_, index) => start + index);
        const free = bytes.every((byte) => !taken.has(byte));
        expect(addSpan(spans, start, start + length)).toBe(free);
        if (free) for (const byte of bytes) taken.add(byte);
        const inSpans = new Set<number>();
        for (let at = 0; at < spans.length; at += 2) {
          const [from = 0, to = 0] = spans.slice(at, at + 2);
          expect(from).toBeGreaterThan(spans[at - 1] ?? -1);
          for (let byte = from; byte < to; byte++) inSpans.add(byte);
        }
        expect(inSpans).toEqual(taken);
      }
    }),
  );
});

test("tells whether the whole was received", () => {
  const spans: number[] = [];
  addSpan(spans, 8, 16);
  expect(coversExactly(spans, 0, 16)).toBe(false);
  addSpan(spans, 0, 8);
  expect(coversExactly(spans, 0, 16)).toBe(true);
});
