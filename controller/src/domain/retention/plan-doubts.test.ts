/** Where clocks, numbers or chains cannot be believed. */
import { describe, expect, it } from "vitest";
import { forbidden } from "./check.ts";
import { planRetention } from "./plan.ts";
import { DAY_MS, keyOf, type Point, type RetentionRules } from "./point.ts";
import { dayOf, marksText, pointsOf, rulesOf } from "./test-points.ts";

const NOW = 400;
function ask(points: readonly Point[], rules: RetentionRules, day = NOW) {
  return planRetention({ points, rules, zone: "UTC", now: dayOf(day) });
}
const idsOf = (points: readonly Point[]) => points.map(({ backupId }) => backupId);

describe("in doubt", () => {
  it("the newest by the chains is named as such, also where every clock says otherwise", () => {
    const { marks } = ask(pointsOf("F3 | F2 | F1"), rulesOf({ keep_days: 1 }));
    const newest = marks.filter(({ reasons }) => reasons.some(({ rule }) => rule === "newest"));
    expect(newest.map(({ point }) => point.backupId)).toEqual(["F1", "F3"]);
  });

  it("chains that nobody numbered are thinned all the same", () => {
    const points = pointsOf("F1 | F2 | F3 | F4").map((point) => ({ ...point, chainNumber: 0 }));
    const { remove } = ask(points, rulesOf({ keep_last: 1 }));
    expect(idsOf(remove).toSorted()).toEqual(["F1", "F2", "F3"]);
    expect(forbidden(points, remove, { now: dayOf(NOW), promised: dayOf(NOW) })).toEqual([]);
  });

  it("a host that is enrolled anew, all of whose backups were recorded today, keeps its months", () => {
    const points = pointsOf(Array.from({ length: 300 }, (_, day) => `F${day}`).join(" | "));
    const rules = rulesOf({ gfs: { daily: 7, weekly: 4, monthly: 12 } });
    const before = idsOf(ask(points, rules, 300).remove);
    const recordedAt = dayOf(300);
    const anew = points.map((point) => ({ ...point, recordedAt }));
    for (const day of [300, 310, 340]) {
      const after = new Set(idsOf(ask(anew, rules, day).remove));
      expect(points.filter(({ backupId }) => !before.includes(backupId) && after.has(backupId))).toEqual([]);
    }
  });

  it("disks of one moment stay or go together, and copies elsewhere are counted for themselves", () => {
    const here = pointsOf("F1p | F2 | F3").map((point) => ({ ...point, restorePointId: `rp-${point.backupId}` }));
    const there = here.map((point) => ({ ...point, diskId: 1, backupId: `${point.backupId}-1`, pinned: false }));
    const disks = ask(
      [...here, ...there.map((point) => ({ ...point, chainId: point.backupId }))],
      rulesOf({ keep_last: 1 }),
    );
    expect(idsOf(disks.remove)).toEqual(["F2", "F2-1"]);
    const copies = here.map((point): Point => ({ ...point, repositoryId: "away", isCopy: true, pinned: false }));
    const both = ask([...here, ...copies], rulesOf({ keep_last: 2 }));
    expect(both.remove.map(keyOf)).toEqual(["a/away/F1"]);
  });

  it("an unreadable time, a parent that nobody knows and a repository out of reach keep", () => {
    const strange = [
      { madeAt: null, recordedAt: null },
      { madeAt: new Date(Number.NaN), recordedAt: null },
      { parentId: "gone" },
      { parentId: "F1" },
      { isListed: false },
    ];
    for (const change of strange) {
      const [first, ...others] = pointsOf("F1 | F2 | F3");
      const points = [{ ...(first as Point), ...change }, ...others];
      expect(idsOf(ask(points, rulesOf({ keep_days: 1 })).remove)).toEqual(["F2"]);
    }
    const ahead = pointsOf("F1 | F2 | F3").map((point) => ({
      ...point,
      recordedAt: new Date(dayOf(NOW).getTime() + DAY_MS),
    }));
    expect(ask(ahead, rulesOf({ keep_days: 1 })).clockProblem).toMatch(/shows a time before/);
  });
});

describe("what the host keeps by itself", () => {
  it.each<[string, string, { minPoints: number; minAgeDays: number }, string]>([
    ["so many of each disk", "F1 | F2 | F3 | F4", { minPoints: 3, minAgeDays: 0 }, "-F1 | +F2 | +F3 | +F4"],
    ["what is young", "F1 | F2 | F395 | F399", { minPoints: 1, minAgeDays: 7 }, "-F1 | -F2 | +F395 | +F399"],
    ["with its parents", "F1 | F2 i3 | F4", { minPoints: 2, minAgeDays: 0 }, "-F1 | >F2 +i3 | +F4"],
    ["counting what is kept anyway", "F1p | F2 | F3 | F4", { minPoints: 2, minAgeDays: 0 }, "+F1 | -F2 | -F3 | +F4"],
  ])("is not asked for: %s", (_what, notation, floor, marks) => {
    const points = pointsOf(notation);
    const question = { points, rules: rulesOf({ keep_last: 1 }), zone: "UTC", now: dayOf(NOW) };
    expect(marksText(planRetention({ ...question, hostFloor: { ...floor, now: dayOf(NOW) } }))).toBe(marks);
  });
});

it("backups of a time when the controller's clock was ahead hold up nothing else, once it is believed again", () => {
  const points = pointsOf("F1 | F2 | F3 | F4").map((point) =>
    point.backupId === "F2" ? { ...point, recordedAt: dayOf(4000) } : point,
  );
  const question = { points, rules: rulesOf({ keep_last: 1 }), zone: "UTC", now: dayOf(NOW) };
  expect(marksText(planRetention(question))).toBe("+F1 | +F2 | +F3 | +F4");
  const plan = planRetention({ ...question, isClockBelieved: true });
  expect(marksText(plan)).toBe("-F1 | +F2 | -F3 | +F4");
  expect(forbidden(points, plan.remove, { now: dayOf(NOW), promised: dayOf(NOW) })).toEqual([]);
});
