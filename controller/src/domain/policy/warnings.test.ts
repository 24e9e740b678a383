import { expect, it } from "vitest";
import type { PreviewQuestion } from "./preview.ts";
import { policyOf } from "./test-policies.ts";
import { warningsOf } from "./warnings.ts";

const from = new Date("2026-03-27T12:00:00Z");
const question: PreviewQuestion = { from, count: 10, zone: "UTC", job: "a/vm", closed: [] };
const daily = [1, 2, 3, 4, 5, 6, 7];
const of = (schedule: object, closed: PreviewQuestion["closed"] = []) =>
  warningsOf(policyOf({ backup: { schedule }, drill: { mode: "off" } }), { ...question, closed });

it("nothing is said of a sound one, nor of a blackout that takes some runs by the plan", () => {
  const sundays = [{ weekdays: [7], from: "00:00", until: "12:00" }];
  expect(of({ cron: "0 3 * * *", zone: "UTC", blackouts: sundays, jitter_seconds: 3600 })).toEqual([]);
  expect(of({ cron: "0 3 30 6 *", zone: "UTC" })).toEqual([]);
});

it("a jitter that reaches into a blackout is told of, and how much of it", () => {
  const late = [{ weekdays: daily, from: "03:30", until: "06:00" }];
  const [said, ...more] = of({ cron: "0 3 * * *", zone: "UTC", blackouts: late, jitter_seconds: 3600 });
  expect([said, more]).toEqual([
    "By its jitter about 50 % of the runs of backup would fall into a blackout, and be left out.",
    [],
  ]);
});

it("blackouts and maintenance that leave nothing together are told of", () => {
  const work = [{ weekdays: [1, 2, 3, 4, 5], from: "00:00", until: "12:00" }];
  const closed = [{ from: from.toISOString(), until: "2028-01-01T00:00:00Z" }];
  expect(of({ cron: "0 3 * * *", zone: "UTC", blackouts: work }, closed)).toEqual([
    "None of the next 100 runs of backup would begin: maintenance leaves them all out.",
  ]);
  const nearly = [{ weekdays: daily, from: "03:01", until: "23:59" }];
  const [said] = of({ cron: "0 3 * * *", zone: "UTC", blackouts: nearly, jitter_seconds: 40_000 });
  expect(said).toMatch(/^(None of the next 100 runs|By its jitter about (9\d|100) %)/);
});
