import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { calendarProblem, duesBetween, offsetMinutes, type ScheduleSpec, scheduleSpec } from "./calendar.ts";

const spec = (given: Partial<ScheduleSpec>): ScheduleSpec =>
  scheduleSpec.parse({ cron: "0 3 * * *", zone: "Europe/Berlin", ...given });
const at = (text: string) => new Date(text);
const dues = (given: Partial<ScheduleSpec>, after: string, limit: number) =>
  duesBetween(spec(given), "agent/item/backup", { after: at(after), through: at("2100-01-01T00:00:00Z"), limit });
const times = (given: Partial<ScheduleSpec>, after: string, limit: number) =>
  dues(given, after, limit).map(({ dueAt }) => dueAt.toISOString().slice(5, 16));

describe("what is due", () => {
  it.each<[string, Partial<ScheduleSpec>, string, string[]]>([
    ["daily, local time", {}, "2026-02-15T12:00:00Z", ["02-16T02:00", "02-17T02:00"]],
    ["in the gap: right after it", { cron: "30 2 * * *" }, "2026-03-28T12:00:00Z", ["03-29T01:00", "03-30T00:30"]],
    ["twice on the clock: once", { cron: "30 2 * * *" }, "2026-10-24T12:00:00Z", ["10-25T00:30", "10-26T01:30"]],
    ["asked between the two", { cron: "30 2 * * *" }, "2026-10-25T00:45:00Z", ["10-26T01:30", "10-27T01:30"]],
    [
      "every half hour",
      { cron: "*/30 * * * *" },
      "2026-10-25T00:00:00Z",
      ["10-25T00:30", "10-25T01:00", "10-25T01:30"],
    ],
    ["midnight that is not", { zone: "Africa/Cairo", cron: "0 0 * * *" }, "2026-04-23T00:00:00Z", ["04-23T22:00"]],
    ["a day that is not", { zone: "Pacific/Apia" }, "2011-12-29T00:00:00Z", ["12-29T13:00", "12-30T13:00"]],
  ])("%s", (_what, given, after, expected) => {
    expect(times(given, after, expected.length)).toEqual(expected);
  });

  it("the end belongs to it, the beginning does not", () => {
    const [first, second] = [at("2026-02-16T02:00:00Z"), at("2026-02-17T02:00:00Z")];
    const between = (after: Date, through: Date) =>
      duesBetween(spec({}), "j", { after, through, limit: 9 }).map(({ dueAt }) => dueAt);
    expect(between(first, second)).toEqual([second]);
    expect(between(new Date(first.getTime() - 1), second)).toEqual([first, second]);
  });

  it("jitter differs from run to run, stays inside its limit, and is the same wherever it is computed", () => {
    const some = dues({ jitter_seconds: 600 }, "2026-01-01T00:00:00Z", 60);
    const late = some.map(({ dueAt, startsAt }) => startsAt.getTime() - dueAt.getTime());
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...late)).toBeLessThanOrEqual(600_000);
    expect(new Set(late).size).toBeGreaterThan(40);
    expect(dues({ jitter_seconds: 600 }, "2026-01-20T00:00:00Z", 5)).toEqual(some.slice(19, 24));
  });

  it("says what closes it", () => {
    const nights = [{ weekdays: [5], from: "22:00", until: "04:00" }];
    const closedBy = dues({ blackouts: nights }, "2026-02-09T00:00:00Z", 7).map(({ closedBy: by }) => by);
    expect(closedBy).toEqual([null, null, null, null, null, "blackout", null]);
    const through = at("2026-02-11T23:00:00Z");
    const closed = [{ from: "2026-02-10T02:00:00Z", until: "2026-02-11T02:00:00Z" }];
    const some = duesBetween(spec({}), "j", { after: at("2026-02-09T00:00:00Z"), through, limit: 9, closed });
    expect(some.map((due) => due.closedBy)).toEqual([null, "maintenance", null]);
  });

  it("does not depend on where one begins to ask", () => {
    const zone = fc.constantFrom("Europe/Berlin", "Australia/Lord_Howe", "America/Scoresbysund", "Africa/Cairo", "UTC");
    const cron = fc.constantFrom("30 2 * * *", "15 1 * * *", "*/20 * * * *", "0 0 * * *", "30 0-3 * * 0", "0 3 1 * *");
    const minute = fc.integer({ min: Date.UTC(2026, 0) / 60_000, max: Date.UTC(2026, 11) / 60_000 });
    fc.assert(
      fc.property(zone, cron, minute, fc.integer({ min: 1, max: 5000 }), (inZone, by, start, later) => {
        const [from, middle] = [new Date(start * 60_000), new Date((start + later) * 60_000)];
        const through = new Date((start + later + 5000) * 60_000);
        const all = duesBetween(spec({ zone: inZone, cron: by }), "j", { after: from, through, limit: 1000 });
        const rest = duesBetween(spec({ zone: inZone, cron: by }), "j", { after: middle, through, limit: 1000 });
        expect(rest).toEqual(all.filter(({ dueAt }) => dueAt > middle));
      }),
    );
  });
});

it.each([
  ["0 3 * * *", "Europe/Berlin", null],
  ["0 3 * * *", "Europe/Berlim", /no time zone/],
  ["0 3 * *", "UTC", /five parts/],
  ["61 3 * * *", "UTC", /minute/],
  ["0 0 31 2 *", "UTC", /never/],
])("the mistake in %s, %s", (cron, zone, problem) => {
  if (problem === null) expect(calendarProblem({ cron, zone })).toBeNull();
  else expect(calendarProblem({ cron, zone })).toMatch(problem);
});

it("knows how far a zone is from UTC", () => {
  expect(offsetMinutes("Asia/Kathmandu", at("2026-01-01T00:00:00Z"))).toBe(345);
  expect(offsetMinutes("America/St_Johns", at("2026-07-01T12:34:56Z"))).toBe(-150);
});
