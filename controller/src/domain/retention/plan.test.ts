import { describe, expect, it } from "vitest";
import { planRetention } from "./plan.ts";
import { DAY_MS, type Point, type RetentionRules } from "./point.ts";
import { retentionRules } from "./rules.ts";
import { dayOf, marksText, pointsOf, removalText, rulesOf } from "./test-points.ts";

function plan(notation: string, rules: Partial<RetentionRules>, day = 100, zone = "UTC") {
  return planRetention({ points: pointsOf(notation), rules: rulesOf(rules), zone, now: dayOf(day) });
}

describe("what nobody votes for goes", () => {
  it.each<[string, string, Partial<RetentionRules>, number, string]>([
    ["no rule says how long: all stay", "F1 i2 | F3", {}, 100, "+F1 +i2 | +F3"],
    ["age in days", "F1 | F2 | F3 | F4", { keep_days: 2 }, 4.5, "-F1 | -F2 | +F3 | +F4"],
    ["age is over to the second", "F1 | F2 | F3", { keep_days: 2 }, 3, "-F1 | +F2 | +F3"],
    ["a count", "F1 | F2 | F3 | F4", { keep_last: 2 }, 9, "-F1 | -F2 | +F3 | +F4"],
    ["either rule keeps", "F1 | F2 | F3 | F4", { keep_last: 1, keep_days: 4 }, 5.5, "-F1 | +F2 | +F3 | +F4"],
    ["the floor holds whatever the age", "F1 | F2 | F3", { keep_days: 1, min_points: 2 }, 90, "-F1 | +F2 | +F3"],
    ["never below a floor that is not reached", "F1 | F2", { keep_days: 1, min_points: 7 }, 90, "+F1 | +F2"],
    ["the newest stays, whatever its age", "F1 i2", { keep_days: 1 }, 90, ">F1 +i2"],
    ["a parent stays: the newest absorbs it later", "F1 i2 i3", { keep_last: 1 }, 9, ">F1 >i2 +i3"],
    ["a parent between wanted ones stays as parent", "F1p i2 i3", { keep_last: 1 }, 9, "+F1 ^i2 +i3"],
    ["an expired closed chain goes", "F1 i2 i3 | F4 i5", { keep_last: 2 }, 9, "-F1 -i2 -i3 | +F4 +i5"],
    ["an expired tail goes, its wanted start stays", "F1p i2 i3 | F4", { keep_last: 1 }, 9, "+F1 -i2 -i3 | +F4"],
    ["a chain of which one is wanted stays up to it", "F1 i2p i3 | F4", { keep_last: 1 }, 9, ">F1 +i2 -i3 | +F4"],
    ["the last verified one", "F1v | F2v | F3", { keep_last: 1 }, 9, "-F1 | +F2 | +F3"],
    ["the last drilled one", "F1d | F2v | F3 | F4", { keep_last: 1 }, 9, "+F1 | +F2 | -F3 | +F4"],
    [
      "a doubted proof keeps the one before it too",
      "F1v | F2v | F3vx | F4",
      { keep_last: 1 },
      9,
      "-F1 | +F2 | +F3 | +F4",
    ],
    ["a pin", "F1p | F2 | F3", { keep_last: 1 }, 9, "+F1 | -F2 | +F3"],
    ["a hold", "F1h | F2 | F3", { keep_last: 1 }, 9, "+F1 | -F2 | +F3"],
    ["immutable for some days", "F1 | F2 | F3", { keep_last: 1, immutable_days: 7 }, 8.5, "-F1 | +F2 | +F3"],
    ["in use, with what it needs", "F1 i2u i3 | F4", { keep_last: 1 }, 9, ">F1 +i2 -i3 | +F4"],
    ["what Holdfast did not write", "F1~ | F2 | F3", { keep_last: 1 }, 9, "+F1 | -F2 | +F3"],
    ["of the future: nothing goes", "F1 | F2 | F30", { keep_last: 1 }, 9, "+F1 | +F2 | +F30"],
  ])("%s", (_what, notation, rules, day, marks) => {
    expect(marksText(plan(notation, rules, day))).toBe(marks);
  });

  it("goes the oldest chain first, in each the tip first", () => {
    expect(removalText(plan("F1 i2 i3 | F4 i5 | F6", { keep_last: 1 }))).toBe("i3 i2 F1 i5 F4");
  });

  it("says why, of each", () => {
    const { marks, summary } = plan("F1 i2 i3p | F4", { keep_last: 1 });
    expect(marks.map(({ point, reasons }) => [point.backupId, ...reasons.map(({ rule }) => rule)])).toEqual([
      ["F4", "count", "floor", "newest"],
      ["i3", "pin"],
      ["i2", "parent"],
      ["F1", "parent"],
    ]);
    expect(summary).toEqual({ points: 4, keep: 2, keepAsParent: 0, merge: 2, remove: 0 });
    const [gone] = plan("F1 | F2", { keep_last: 1, keep_days: 3 }, 30).marks.toReversed();
    expect(gone?.reasons).toEqual([
      { rule: "none", text: "no rule keeps it: 3 days; the newest 1; at least 1", until: null },
    ]);
    const [kept] = plan("F1 | F2", { keep_days: 3 }, 3.5).marks.toReversed();
    expect(kept?.reasons).toEqual([{ rule: "age", text: "not yet 3 days old", until: dayOf(4).toISOString() }]);
  });
});

describe("days, weeks and months", () => {
  /** One a day at 03:00, the last at `last`. */
  function daily(last: string, many: number): Point[] {
    return Array.from({ length: many }, (_, index): Point => {
      const at = new Date(Date.parse(last) - index * DAY_MS);
      const id = at.toISOString().slice(0, 10);
      return {
        ...pointsOf("F1", { backupId: id, chainId: id, madeAt: at, recordedAt: at, chainNumber: many - index }),
      }[0] as Point;
    });
  }
  const kept = (points: readonly Point[], now: string, rules: RetentionRules, zone = "UTC") =>
    planRetention({ points, rules, zone, now: new Date(now) }).marks.flatMap(({ mark, point }) =>
      mark === "keep" ? [point.backupId] : [],
    );

  it("the worked example: 12 of 60", () => {
    const points = daily("2026-02-15T03:00:00Z", 60);
    const rules = retentionRules.parse({ gfs: {} });
    const wanted = ["02-15", "02-14", "02-13", "02-12", "02-11", "02-10", "02-09", "02-08", "02-01", "01-31", "01-25"];
    const ids = [...wanted.map((day) => `2026-${day}`), "2025-12-31"];
    expect(kept(points, "2026-02-15T12:00:00Z", rules)).toEqual(ids);
    const plan = planRetention({ points, rules, zone: "UTC", now: new Date("2026-02-15T12:00:00Z") });
    expect(plan.summary).toMatchObject({ points: 60, keep: 12, remove: 48 });
    const reasons = plan.marks.find(({ point }) => point.backupId === "2026-01-31")?.reasons;
    expect(reasons).toEqual([{ rule: "monthly", text: "the newest of 2026-01, month 2 of 12", until: null }]);
  });

  it("of a year and a half, 20 to 25 stay, and once the others are gone no more go", () => {
    const rules = retentionRules.parse({ gfs: {} });
    const points = daily("2027-06-30T03:00:00Z", 545);
    let left = points;
    for (let time = 0; time < 3; time += 1) {
      const ids = kept(left, "2027-06-30T12:00:00Z", rules);
      left = left.filter(({ backupId }) => ids.includes(backupId));
      expect(left.length).toBeGreaterThanOrEqual(20);
      expect(left.length).toBeLessThanOrEqual(25);
    }
  });

  it.each<[string, string, string[]]>([
    ["a week belongs to the year of its Thursday", "2027-01-03T03:00:00Z", ["2027-01-03", "2026-12-27"]],
    ["also where the year has 53 of them", "2021-01-04T03:00:00Z", ["2021-01-04", "2021-01-03"]],
  ])("%s", (_what, last, ids) => {
    const rules = rulesOf({ gfs: { daily: 1, weekly: 2, monthly: 0 } });
    expect(kept(daily(last, 20), last, rules)).toEqual(ids);
  });

  it("are those of the policy's zone", () => {
    const rules = rulesOf({ gfs: { daily: 0, weekly: 0, monthly: 2 } });
    const points = daily("2026-03-02T03:00:00Z", 10);
    expect(kept(points, "2026-03-02T12:00:00Z", rules)).toEqual(["2026-03-02", "2026-02-28"]);
    expect(kept(points, "2026-03-02T12:00:00Z", rules, "America/Los_Angeles")).toEqual(["2026-03-02", "2026-03-01"]);
  });

  it("only those that hold a backup are counted", () => {
    const rules = rulesOf({ gfs: { daily: 2, weekly: 0, monthly: 2 } });
    const points = [...daily("2026-02-15T03:00:00Z", 1), ...daily("2025-06-01T03:00:00Z", 2)];
    expect(kept(points, "2026-02-15T12:00:00Z", rules)).toHaveLength(2);
  });
});
