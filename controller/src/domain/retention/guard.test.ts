import { expect, it } from "vitest";
import { forbidden } from "./check.ts";
import { type GuardFacts, needsPerson } from "./guard.ts";
import { planRetention } from "./plan.ts";
import type { Point, RetentionRules } from "./point.ts";
import { dayOf, pointsOf, rulesOf } from "./test-points.ts";

/** `remove` of twenty fulls, of which the newest three are the floor. */
function facts(remove: number, more: Partial<GuardFacts> = {}): GuardFacts {
  const points = pointsOf(Array.from({ length: 20 }, (_, day) => `F${day}`).join(" | "));
  const rules = rulesOf({ min_points: 3, keep_last: 1 });
  const usual = { approved: { removed: 5 }, recordedSince: 0, doubt: null };
  return { points, remove: points.slice(0, remove), rules, ...usual, ...more };
}

it.each<[string, GuardFacts, string | null]>([
  ["nothing to remove", facts(0, { doubt: "it jumped", approved: null }), null],
  ["what was approved", facts(5), null],
  ["twice as many", facts(10), null],
  [
    "more than twice as many",
    facts(11),
    "it removes 11: the approved preview showed 5, and 0 came since the last removal",
  ],
  ["as many as came", facts(9, { approved: { removed: 0 }, recordedSince: 9 }), null],
  ["one a day of an approved nothing", facts(1, { approved: { removed: 0 } }), null],
  ["more than half of all", facts(11, { approved: { removed: 20 } }), "it removes 11 of 20, more than half"],
  ["more than half, as many as came", facts(11, { approved: { removed: 20 }, recordedSince: 6 }), null],
  ["nobody looked", facts(1, { approved: null }), "nobody has seen what this policy removes"],
  ["the clock jumped", facts(1, { doubt: "it jumped" }), "it jumped"],
  [
    "newer than the floor",
    facts(18, { approved: { removed: 99 }, recordedSince: 99 }),
    "it removes what is newer than the floor: F17",
  ],
])("%s", (_what, given, why) => {
  expect(needsPerson(given)).toBe(why);
});

it.each<[string, string, string[], string]>([
  ["a parent", "F1 i2 | F3", ["F1"], "i2 needs what would go"],
  ["the newest", "F1 | F3", ["F3"], "F3 is the newest of its disk"],
  ["a pinned one", "F1p | F3", ["F1"], "F1 is pinned"],
  ["a held one", "F1h | F3", ["F1"], "F1 is held"],
  ["one in use", "F1u | F3", ["F1"], "F1 is in use"],
  ["a foreign one", "F1~ | F3", ["F1"], "F1 was not written by Holdfast"],
  ["the only proven one", "F1v | F3", ["F1"], "disk 0 would have nothing with verifiedAt left"],
  ["one of the future", "F91 | F3", ["F91"], "F91 lies in the future"],
  ["a parent before its child", "F1 i2 | F3", ["F1", "i2"], "i2 would go after its parent F1"],
])("the last look refuses %s", (_what, notation, ids, why) => {
  const points = pointsOf(notation);
  const remove = ids.flatMap((id) => points.filter(({ backupId }) => backupId === id));
  expect(forbidden(points, remove, { now: dayOf(50), promised: dayOf(50) })).toEqual([why]);
  expect(forbidden(points, [], { now: dayOf(50), promised: dayOf(50) })).toEqual([]);
});

/** Years of an item whose policy was stored before its first backup; answers on which days a person was asked. */
function asked(
  rules: Partial<RetentionRules>,
  { chain, perDay, gap }: { chain: number; perDay: number; gap: number },
): number[] {
  let points: Point[] = [];
  let lastRemoval = -1;
  const days: number[] = [];
  const gone = new Set<string>();
  const names: string[] = [];
  for (let day = 0; day < 200; day += 1) {
    const isAway = gap > 0 && day % 50 < gap;
    for (let index = 0; index < perDay && !isAway; index += 1)
      names.push(`${names.length % chain === 0 ? "| F" : "i"}${(day + index / perDay).toFixed(3)}`);
    const all = pointsOf(names.join(" ").replace(/^\| /, ""));
    points = all.filter(({ backupId }) => !gone.has(backupId));
    const now = dayOf(day + 0.999);
    const { remove } = planRetention({ points, rules: rulesOf(rules), zone: "UTC", now });
    const recordedSince = points.filter(
      ({ recordedAt }) => recordedAt !== null && recordedAt > dayOf(lastRemoval),
    ).length;
    const facts = { points, remove, rules: rulesOf(rules), approved: { removed: 0 }, recordedSince, doubt: null };
    if (needsPerson(facts) !== null) days.push(day);
    if (remove.length > 0) lastRemoval = day + 0.999;
    for (const { backupId } of remove) gone.add(backupId);
  }
  return days;
}

it.each<[string, Partial<RetentionRules>, { chain: number; perDay: number; gap: number }]>([
  ["fulls of each day for a week", { keep_days: 7, min_points: 7 }, { chain: 1, perDay: 1, gap: 0 }],
  ["chains of a week", { keep_days: 14, min_points: 7 }, { chain: 7, perDay: 1, gap: 0 }],
  ["chains of a month, of which the last point counts", { keep_last: 1 }, { chain: 30, perDay: 1, gap: 0 }],
  ["several a day", { keep_last: 10 }, { chain: 9, perDay: 5, gap: 0 }],
  [
    "days, weeks and months",
    { gfs: { daily: 7, weekly: 4, monthly: 12 }, min_points: 7 },
    { chain: 7, perDay: 1, gap: 0 },
  ],
  ["a host that is away for days", { keep_days: 14, min_points: 7 }, { chain: 7, perDay: 1, gap: 6 }],
])("nobody is asked in the long run: %s", (_what, rules, item) => {
  expect(asked(rules, item)).toEqual([]);
});
