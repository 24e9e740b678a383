import { expect, it } from "vitest";
import { windowProblems } from "./window-check.ts";

const NOW = new Date("2026-02-15T12:00:00Z");
const later = (hours: number) => new Date(NOW.getTime() + hours * 3_600_000);
const window = (more: object) => ({
  ...{ startsAt: NOW, endsAt: null, cron: null, zone: "UTC", durationSeconds: null, ...more },
});

it.each<[string, object, string[]]>([
  ["once", { endsAt: later(2) }, []],
  ["once, begun before it was announced", { startsAt: later(-2), endsAt: later(2) }, []],
  ["weekly", { cron: "0 22 * * 6", durationSeconds: 7200 }, []],
  ["hourly, nearly always", { cron: "0 * * * *", durationSeconds: 3599 }, []],
  ["without an end", {}, ["ends_at"]],
  ["with its end first", { endsAt: later(-1), startsAt: later(1) }, ["ends_at", "ends_at"]],
  ["over already", { startsAt: later(-3), endsAt: later(-1) }, ["ends_at"]],
  ["once, with a length", { endsAt: later(1), durationSeconds: 60 }, ["duration_seconds"]],
  ["weekly, without a length", { cron: "0 22 * * 6" }, ["duration_seconds"]],
  ["hourly, for ever", { cron: "0 * * * *", durationSeconds: 3600 }, ["duration_seconds"]],
  ["every minute", { cron: "* * * * *", durationSeconds: 60 }, ["cron"]],
  ["by no cron and in no zone", { cron: "61 * * * *", zone: "Nowhere" }, ["zone", "duration_seconds", "cron"]],
])("%s", (_what, more, paths) => {
  expect(windowProblems(window(more), NOW).map(({ path }) => path)).toEqual(paths);
});
