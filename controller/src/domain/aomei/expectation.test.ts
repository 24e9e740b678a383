import { describe, expect, it } from "vitest";
import { expectationOf, learnInterval, scheduleType } from "./expectation.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;
/** Runs at these hours after a beginning. */
const at = (...hours: number[]) => hours.map((hour) => new Date(Date.UTC(2026, 0, 5) + hour * 3_600_000));
const days = (...all: number[]) => at(...all.map((day) => day * 24));

describe("the interval that is learned", () => {
  it.each<[string, Date[], number | null]>([
    ["nothing", [], null],
    ["four runs", days(0, 1, 2, 3), null],
    ["five daily runs", days(0, 1, 2, 3, 4), DAY],
    ["five runs in any order", days(4, 0, 3, 1, 2), DAY],
    ["four runs and repetitions of the last", [...days(0, 1, 2, 3), ...at(72.01, 72.02)], null],
    ["repetitions do not shorten it", [...days(0, 1, 2, 3, 4), ...at(96.05, 96.1)], DAY],
    ["a working week with its weekend", days(0, 1, 2, 3, 4, 7, 8, 9), 3 * DAY],
    ["two weekends and one outage of ten days", days(0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 14, 24, 25), 3 * DAY],
    ["one outage among daily runs", days(0, 1, 2, 3, 4, 5, 6, 20, 21, 22, 23), DAY],
    ["weekly", days(0, 7, 14, 21, 28), 7 * DAY],
    ["hourly", at(0, 1, 2, 3, 4, 5), HOUR],
  ])("%s", (_what, runs, seconds) => {
    expect(learnInterval(runs)).toBe(seconds);
  });
});

describe("what is expected", () => {
  const [since = new Date(), lastRunAt = new Date()] = days(0, 1);
  const facts = { kind: "learned" as const, setSeconds: null, learnedSeconds: DAY, lastRunAt, since };
  const hoursLater = (hours: number) => new Date(lastRunAt.getTime() + hours * 3_600_000);

  it.each<[string, object, number, string, string]>([
    ["nothing yet", { learnedSeconds: null }, 900, "none_yet", "unknown"],
    ["on time within the grace", {}, 30, "on_time", "daily"],
    ["late after it", {}, 30.01, "late", "daily"],
    ["set by a person", { kind: "set", setSeconds: HOUR }, 2.01, "late", "hourly"],
    ["a grace of an hour at least", { kind: "set", setSeconds: HOUR }, 2, "on_time", "hourly"],
    ["nothing, said a person", { kind: "none" }, 9000, "none", "manual"],
    ["weekly", { learnedSeconds: 7 * DAY }, 8.75 * 24, "on_time", "weekly"],
    ["no word for it", { learnedSeconds: 3 * DAY }, 1, "on_time", "interval"],
  ])("%s", (_what, more, hours, state, word) => {
    const expectation = expectationOf({ ...facts, ...more }, hoursLater(hours));
    expect([expectation.state, scheduleType(expectation)]).toEqual([state, word]);
  });

  it("counts from the job's beginning while there was no run", () => {
    const expectation = expectationOf({ ...facts, kind: "set", setSeconds: DAY, lastRunAt: null }, since);
    expect(expectation.dueAt).toEqual(new Date(since.getTime() + 30 * 3_600_000));
  });
});
