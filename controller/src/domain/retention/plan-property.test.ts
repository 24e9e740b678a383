/** Whatever chains there are, whatever any clock says: what must stay stays. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forbidden } from "./check.ts";
import { needsPerson } from "./guard.ts";
import { planRetention } from "./plan.ts";
import { keyOf, type Point, type RetentionRules } from "./point.ts";
import { dayOf, pointsOf, rulesOf } from "./test-points.ts";

const NOW = 400;
const maybe = <Value>(values: fc.Arbitrary<Value>) => fc.option(values, { nil: undefined });
const small = fc.integer({ min: 1, max: 9 });
const anyRules: fc.Arbitrary<RetentionRules> = fc
  .record({
    keep_days: maybe(fc.integer({ min: 1, max: 60 })),
    keep_last: maybe(small),
    gfs: maybe(fc.record({ daily: small, weekly: small, monthly: small })),
    min_points: small,
    immutable_days: maybe(fc.integer({ min: 1, max: 30 })),
  })
  .map((given) => rulesOf(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))));

/** Chains in order, their points in order; flags at random; the hosts' clocks say anything. */
const anyPoints = fc
  .array(
    fc.array(
      fc.record({
        flags: fc.constantFrom("", "", "", "", "v", "d", "p", "h", "u", "vx", "dx", "~"),
        gap: fc.integer({ min: 0, max: 20 }),
        made: fc.integer({ min: -700, max: 900 }),
        twoDisks: fc.boolean(),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((chains) => {
    let day = 0;
    const wild: number[] = [];
    const text = chains
      .map((chain) =>
        chain
          .map(({ flags, gap, made }, index) => {
            day += 0.125 + gap;
            wild.push(made);
            return `${index === 0 ? "F" : "i"}${day}${flags}`;
          })
          .join(" "),
      )
      .join(" | ");
    return { text, wild, last: day };
  });

/** `anew`: the controller heard of them in no order, as of those of a host that was enrolled anew. */
const itemsOf = (anew: fc.Arbitrary<boolean>) =>
  fc
    .record({
      item: anyPoints,
      isWild: fc.boolean(),
      isAnew: anew,
      isNumbered: fc.boolean(),
      rules: anyRules,
      disks: fc.integer({ min: 1, max: 2 }),
    })
    .map(({ item, isWild, isAnew, isNumbered, rules, disks }) => {
      const wild = (index: number) => dayOf(item.wild.at(index) ?? 0);
      const points = Array.from({ length: disks }, (_, diskId) =>
        pointsOf(item.text).map(
          (point, index): Point => ({
            ...point,
            ...{ diskId, backupId: `${point.backupId}-${diskId}`, chainId: `${point.chainId}-${diskId}` },
            parentId: point.parentId === null ? null : `${point.parentId}-${diskId}`,
            restorePointId: `rp-${index}`,
            chainNumber: isNumbered ? point.chainNumber : 0,
            pinned: point.pinned && diskId === 0,
            madeAt: isWild ? wild(index) : point.madeAt,
            recordedAt: isAnew ? wild(-1 - index) : point.recordedAt,
          }),
        ),
      ).flat();
      return { points, rules, last: item.last };
    });
const anyItem = itemsOf(fc.boolean());
const heardInOrder = itemsOf(fc.constant(false));

function ask(points: readonly Point[], rules: RetentionRules, day = NOW + 0) {
  return planRetention({ points, rules, zone: "UTC", now: dayOf(day) });
}
const idsOf = (points: readonly Point[]) => points.map(({ backupId }) => backupId);

describe("whatever is there", () => {
  it("nothing goes that may not: by rules that know nothing of the planner's", () => {
    fc.assert(
      fc.property(anyItem, fc.integer({ min: 0, max: 2000 }), ({ points, rules }, day) => {
        const { remove, marks } = ask(points, rules, day);
        expect(forbidden(points, remove, { now: dayOf(day), promised: dayOf(day) })).toEqual([]);
        expect(marks).toHaveLength(points.length);
        expect(marks.filter(({ reasons }) => reasons.length === 0)).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it("nothing goes of the newest of each disk, down to the floor", () => {
    fc.assert(
      fc.property(anyItem, ({ points, rules }) => {
        const { remove } = ask(points, rules, 2000);
        const facts = { points, remove, rules, approved: { removed: 1000 }, recordedSince: 1000 };
        expect(needsPerson({ ...facts, doubt: null })).toBeNull();
      }),
    );
  });

  it("asked again after it was done, nothing more goes", () => {
    fc.assert(
      fc.property(anyItem, fc.integer({ min: 0, max: 900 }), ({ points, rules }, day) => {
        const gone = new Set(ask(points, rules, day).remove.map(keyOf));
        const left = points.filter((point) => !gone.has(keyOf(point)));
        expect(idsOf(ask(left, rules, day).remove)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("a clock that went back removes nothing", () => {
    fc.assert(
      fc.property(heardInOrder, fc.double({ min: 0.05, max: 900, noNaN: true }), ({ points, rules, last }, back) => {
        expect(idsOf(ask(points, rules, last - back).remove)).toEqual([]);
      }),
    );
  });

  it("hosts' clocks that say anything remove nothing that stays by the controller's, nor the other way round", () => {
    fc.assert(
      fc.property(heardInOrder, fc.integer({ min: 200, max: 900 }), ({ points, rules }, day) => {
        const removed = new Set(idsOf(ask(points, rules, day).remove));
        const byController = points.map((point) => ({ ...point, madeAt: point.recordedAt }));
        const kept = ask(byController, rules, day).marks.filter(({ mark }) => mark === "keep");
        expect(kept.filter(({ point }) => removed.has(point.backupId))).toEqual([]);
      }),
    );
  });
});
