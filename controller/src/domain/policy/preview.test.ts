import { duesBetween, scheduleSpec } from "@holdfast/protocol";
import { expect, it } from "vitest";
import { nextRuns, type PreviewQuestion } from "./preview.ts";
import { policyOf } from "./test-policies.ts";

const question = (more: Partial<PreviewQuestion> = {}): PreviewQuestion => ({
  ...{ from: new Date("2026-03-27T12:00:00Z"), count: 4, zone: "Europe/Berlin", job: "a/vm", closed: [], ...more },
});
const only = (schedule: object, more: object = {}) =>
  policyOf({ verify: { mode: "off" }, drill: { mode: "off" }, backup: { schedule }, ...more });
const shown = (body: Parameters<typeof nextRuns>[0], asked: PreviewQuestion) =>
  nextRuns(body, asked).map(({ task, local, offset, clockChange, closedBy }) => {
    return [task[0], local.slice(5), offset, clockChange ?? "", closedBy ?? ""].join(" ").trim();
  });

it("the next runs around a change of the clocks: one that is left out comes right after the gap", () => {
  const early = only({ cron: "30 2 * * *", zone: "local" });
  expect(shown(early, question())).toEqual([
    "b 03-28 02:30 +01:00",
    "b 03-29 03:00 +02:00 forward",
    "b 03-30 02:30 +02:00",
    "b 03-31 02:30 +02:00",
  ]);
  expect(shown(early, question({ from: new Date("2026-10-23T12:00:00Z"), count: 3 }))).toEqual([
    "b 10-24 02:30 +02:00",
    "b 10-25 02:30 +02:00",
    "b 10-26 02:30 +01:00 back",
  ]);
  expect(shown(only({ cron: "30 2 * * *", zone: "Asia/Kolkata" }), question({ count: 1 }))).toEqual([
    "b 03-28 02:30 +05:30",
  ]);
});

it("those that will not begin are shown with their reason", () => {
  const blackouts = [{ weekdays: [7], from: "00:00", until: "12:00" }];
  const closed = [{ from: "2026-03-30T00:00:00Z", until: "2026-03-31T00:00:00Z" }];
  expect(shown(only({ cron: "0 6 * * *", zone: "UTC", blackouts }), question({ closed }))).toEqual([
    "b 03-28 06:00 +00:00",
    "b 03-29 06:00 +00:00  blackout",
    "b 03-30 06:00 +00:00  maintenance",
    "b 03-31 06:00 +00:00",
  ]);
});

it("all tasks that come by the clock stand in one list", () => {
  const weekly = { cron: "0 12 * * 1", zone: "UTC" };
  const body = policyOf({ drill: { mode: "scheduled", schedule: weekly }, verify: { mode: "after_backup" } });
  expect(shown(body, question({ zone: "UTC" })).map((line) => line.slice(0, 13))).toEqual([
    "b 03-28 03:00",
    "b 03-29 03:00",
    "b 03-30 03:00",
    "d 03-30 12:00",
  ]);
});

it("begin when the agent begins them: the jitter is that of the job", () => {
  const schedule = { cron: "0 3 * * *", zone: "UTC", jitter_seconds: 3600 };
  const { from } = question();
  const expected = duesBetween(scheduleSpec.parse(schedule), "a/vm/backup", {
    ...{ after: from, through: new Date("2027-01-01T00:00:00Z"), limit: 4 },
  });
  const runs = nextRuns(only(schedule), question());
  expect(runs.map(({ startsAt }) => startsAt)).toEqual(expected.map(({ startsAt }) => startsAt));
  expect(runs.some(({ startsAt, dueAt }) => startsAt > dueAt)).toBe(true);
});
