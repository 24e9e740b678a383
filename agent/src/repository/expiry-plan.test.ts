import fc from "fast-check";
import { expect, test } from "vitest";
import { placedBackups } from "./catalogue.ts";
import { planExpiry } from "./expiry-plan.ts";
import { planRemoval } from "./remove.ts";
import { day, idOf, inMemory } from "./test-notation.ts";

const dayOf = new Map(Array.from({ length: 400 }, (_, n) => [idOf(n), n]));
const days = (ids: readonly string[]) => ids.map((id) => dayOf.get(id));
const NO_FLOOR = { minPoints: 0, minAgeDays: 0 };

/** The plan of day 100, when points up to day `last` are past retention. */
function planFor(notation: string, last: number, floor = NO_FLOOR) {
  return planExpiry({ ...inMemory(notation), floor, now: day(100), retentionDays: 99 - last });
}

test.each<[string, string, number, number, number[], string[]]>([
  ["chains past it go whole, tip first", "F1 i2 | F3 i4 | F5", 4, 0, [2, 1, 4, 3], ["the current chain"]],
  ["one young point keeps its chain", "F1 i2 | F3 i4 | F5", 3, 0, [2, 1], [`${idOf(4)} of`, "the current chain"]],
  [
    "so many points stay",
    "F1 i2 | F3 i4 | F5",
    9,
    2,
    [2, 1],
    ["is 2 restore points, and 1 would be left", "the current chain"],
  ],
  [
    "no newer one goes in the place of one that stays for the number's sake",
    "F1 i2 | F3 | F4 | F5",
    9,
    4,
    [],
    ["is 4 restore points, and 3 would be left", "an older chain stays", "an older chain stays", "the current chain"],
  ],
  ["a pin keeps its chain", "F1 i2p | F3 i4 | F5", 9, 0, [4, 3], [`${idOf(2)}: it is pinned`, "the current chain"]],
  ["every reason is told", "F1 i2p | F3d i4 | F5", 9, 0, [], ["pinned", "that a drill has restored", "current chain"]],
  ["the current chain is never over", "F1 i2 i3", 9, 0, [], ["the current chain"]],
  ["a date in the future", "F1 i120 | F5", 9, 0, [], [`${idOf(120)} is dated in the future`, "the current chain"]],
])("%s", (_name, notation, last, minPoints, removed, reasons) => {
  const plan = planFor(notation, last, { minPoints, minAgeDays: 0 });
  expect(days(plan.remove)).toEqual(removed);
  const kept = plan.chains.filter(({ goes }) => !goes);
  expect(kept.map((chain) => chain.reasons.join("; "))).toEqual(reasons.map((part) => expect.stringContaining(part)));
});

test("a point is past retention only when it is older, not when it is as old", () => {
  const at = (retentionDays: number, now: Date) =>
    planExpiry({ ...inMemory("F1 | F2"), floor: NO_FLOOR, now, retentionDays }).remove.length;
  expect(at(10, day(11))).toBe(0);
  expect(at(10, new Date(day(11).getTime() + 1))).toBe(1);
});

const notations = fc
  .array(fc.array(fc.constantFrom("", "", "", "v", "d", "p", "x", "f", "u"), { minLength: 1, maxLength: 5 }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((chains) => {
    let n = 0;
    return chains.map((marks) => marks.map((mark, i) => `${i === 0 ? "F" : "i"}${++n}${mark}`).join(" ")).join(" | ");
  });

test("whatever stands there: only whole, closed, expired chains go, the floor agrees, and each has its reasons", () => {
  fc.assert(
    fc.property(
      notations,
      fc.record({ minPoints: fc.nat(8), minAgeDays: fc.nat(40) }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: -5, max: 40 }),
      (notation, floor, retentionDays, today) => {
        const { disk, evidence } = inMemory(notation);
        const now = day(today);
        const plan = planExpiry({ disk, evidence, floor, now, retentionDays });
        const going = disk.chains.filter(({ backups }) =>
          backups.some(({ backup_id: id }) => plan.remove.includes(id)),
        );
        expect(going.every(({ closed }) => closed)).toBe(true);
        expect(new Set(plan.remove)).toEqual(new Set(placedBackups({ chains: going }).map((one) => one.backup_id)));
        for (const id of plan.remove) expect(today - (dayOf.get(id) ?? 0)).toBeGreaterThan(retentionDays);
        expect(planRemoval({ disk, evidence, floor, now, ids: plan.remove })).toEqual({
          remove: plan.remove,
          refused: [],
        });
        for (const { reasons } of plan.chains) expect(reasons.length).toBeGreaterThan(0);
        expect(plan.chains.flatMap(({ goes, backups }) => (goes ? backups : []))).toHaveLength(plan.remove.length);
      },
    ),
    { numRuns: 300 },
  );
});
