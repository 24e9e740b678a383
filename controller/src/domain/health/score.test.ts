import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addDays, dayOf, daysFrom, startOf } from "./days.ts";
import { rpoState, rto, rtoOk } from "./objectives.ts";
import { roomOf } from "./room.ts";
import { band, degraded, type HealthCounts, measuredScore, score, trend } from "./score.ts";

/** `good/total` of backups, verifications and drills; `-`: nothing was measured. */
function counts(text: string): HealthCounts {
  const [backup, verification, drill] = text.split(" ").map((part) => {
    const [good = 0, total = 0] = part === "-" ? [] : part.split("/").map(Number);
    return { good, total };
  });
  const none = { good: 0, total: 0 };
  return { backup: backup ?? none, verification: verification ?? none, drill: drill ?? none };
}

describe("the score", () => {
  it.each([
    ["7/7 7/7 7/7", 1, "proven"],
    ["0/7 0/7 0/7", 0, "proven"],
    ["1/1 - -", 0.5, "not proven"],
    ["1/1 1/1 -", 0.8, "not proven"],
    ["- - 1/1", 0.2, "not proven"],
    ["- - -", 0, "not proven"],
    ["2/3 1/3 1/7", 0.4619, "proven"],
    ["6/7 - 1/2", 0.5286, "not proven"],
  ])("of %s is %f, %s", (text, expected, proven) => {
    expect(score(counts(text))).toMatchObject({ score: expected, proven: proven === "proven" });
  });

  it("tells a part without measurement from one that always failed", () => {
    expect(score(counts("1/1 0/3 -")).rates).toEqual({ backup: 1, verification: 0, drill: null });
  });

  it("is the measured score when all was measured, at a rounding's edge too", () => {
    const edge = counts("0/1 0/1 27/32");
    expect(measuredScore(edge)).toBe(score(edge).score);
  });

  it("is in [0,1], has four places, and no success makes it smaller", () => {
    const part = fc.tuple(fc.nat(50), fc.nat(50)).map(([good, bad]) => ({ good, total: good + bad }));
    fc.assert(
      fc.property(fc.record({ backup: part, verification: part, drill: part }), (all) => {
        const value = score(all).score;
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1);
        expect(Math.round(value * 10_000) / 10_000).toBe(value);
        expect(measuredScore(all)).toBeGreaterThanOrEqual(value);
        const better = { ...all, backup: { good: all.backup.good + 1, total: all.backup.total + 1 } };
        expect(score(better).score).toBeGreaterThanOrEqual(value);
      }),
    );
  });

  it.each([
    [1, "good"],
    [0.8, "good"],
    [0.7999, "warning"],
    [0.5, "warning"],
    [0.4999, "critical"],
    [0, "critical"],
  ])("%f is %s", (value, expected) => {
    expect(band(value)).toBe(expected);
  });

  it.each([
    [[], null],
    [[0.2], null],
    [[0.8, 0.81], "steady"],
    [[0.5, 1, 0.9], "rising"],
    [[1, 0.2, 0.95], "falling"],
  ])("%j is %s", (scores, expected) => {
    expect(trend(scores)).toBe(expected);
  });
});

describe("degraded", () => {
  it.each([
    ["all fell", "7/7 7/7 7/7", "4/7 5/7 7/7", true],
    ["under it already, and no better", "3/7 7/7 7/7", "3/7 7/7 7/7", true],
    ["under it, and on the way up", "1/7 7/7 7/7", "3/7 7/7 7/7", true],
    ["healthy again", "1/7 7/7 7/7", "7/7 7/7 7/7", false],
    ["at the threshold", "7/7 7/7 7/7", "7/7 7/7 0/7", false],
    ["never proven: nothing was measured that fell", "7/7 - -", "7/7 - -", false],
    ["drills switched off", "7/7 7/7 7/7", "7/7 7/7 -", false],
    ["nothing runs any more: other alerts say so", "7/7 7/7 7/7", "- - -", false],
    ["not proven, and failing more and more", "7/7 - -", "3/7 - -", true],
  ])("%s: %s, then %s: %j", (_name, before, now, expected) => {
    expect(degraded(counts(now), counts(before), 0.8)).toBe(expected);
  });

  it("does not say of what is new that it fell", () => {
    expect(degraded(counts("0/1 - -"), counts("- - -"), 0.8)).toBe(false);
    expect(degraded(counts("0/1 - -"), null, 0.8)).toBe(false);
    expect(degraded(counts("0/2 - -"), counts("0/1 - -"), 0.8)).toBe(true);
  });
});

describe("objectives", () => {
  const at = (hour: number) => new Date(Date.UTC(2026, 2, 1, hour));
  it.each([
    ["no target", 0, null, 5, null],
    ["young enough", 0, 6, 5, true],
    ["at its end", 0, 6, 6, false],
    ["nothing yet, and time left", null, 6, 5, null],
    ["nothing yet, and too late", null, 6, 7, false],
  ] as const)("RPO: %s", (_name, good, target, now, ok) => {
    const seconds = target === null ? null : target * 3600;
    const state = rpoState({ lastGoodAt: good === null ? null : at(good), since: at(0) }, seconds, at(now));
    expect(state.ok).toBe(ok);
    expect(state.ageSeconds).toBe(good === null ? null : (now - good) * 3600);
    expect(state.dueAt).toEqual(target === null ? null : at(target));
  });

  it.each([
    [[], { median: null, worst: null, drills: 0 }],
    [[7], { median: 7, worst: 7, drills: 1 }],
    [[30, 10], { median: 20, worst: 30, drills: 2 }],
    [[100, 1, 3], { median: 3, worst: 100, drills: 3 }],
  ])("RTO of %j", (seconds, expected) => {
    expect(rto(seconds)).toEqual(expected);
  });

  it("says nothing of a restore that nobody measured or limited, and takes the worst otherwise", () => {
    expect(rtoOk(rto([]), 10)).toBeNull();
    expect(rtoOk(rto([5]), null)).toBeNull();
    expect(rtoOk(rto([1, 10]), 10)).toBe(true);
    expect(rtoOk(rto([1, 11]), 10)).toBe(false);
  });

  it.each([
    [0, 0, "short"],
    [99, 901, "short"],
    [100, 900, "tight"],
    [119, 881, "tight"],
    [120, 880, "enough"],
    [5, 0, "enough"],
  ])("%i free beside %i of ours is %s", (free, used, expected) => {
    expect(roomOf(free, used)).toBe(expected);
  });
});

it("days go on over months and leap years, and none is left out", () => {
  expect(addDays("2028-02-28", 1)).toBe("2028-02-29");
  expect(addDays("2026-01-01", -1)).toBe("2025-12-31");
  expect(daysFrom("2026-02-27", "2026-03-02")).toEqual(["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]);
  expect(daysFrom("2026-03-02", "2026-03-01")).toEqual([]);
  expect(dayOf(new Date(startOf("2026-03-01").getTime() - 1))).toBe("2026-02-28");
});
