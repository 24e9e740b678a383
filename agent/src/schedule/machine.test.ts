import { describe, expect, it } from "vitest";
import { step } from "./machine.ts";
import { idleSince } from "./state.ts";
import { at, jobOf, play } from "./test-jobs.ts";

const closed = [{ from: at("3 02:00").toISOString(), until: at("3 05:00").toISOString() }];
const nights = [{ weekdays: [1, 2, 3, 4, 5, 6, 7], from: "02:00", until: "05:00" }];
const hourly = { schedule: { cron: "0 * * * *" } };
const never = { schedule: { catch_up: "never" } };

describe.each([
  [
    "runs when it is due, once",
    jobOf(),
    ["2 02:59 -> -", "2 03:00 -> start 2 03:00", "2 03:01 -> -", "2 03:05 done -> -"],
  ],
  [
    "runs after downtime, once for all that was missed",
    jobOf(),
    ["5 09:00 -> start 5 03:00 since 2 03:00", "5 09:30 done -> -", "6 03:00 -> start 6 03:00"],
  ],
  ["one that is merely late makes up for no other", jobOf(), ["2 09:00 -> start 2 03:00"]],
  [
    "what comes due while it runs is one run after it",
    jobOf(hourly),
    [
      "2 01:00 -> start 2 01:00",
      "2 02:00 -> -",
      "2 03:00 -> -",
      "2 03:30 done -> start 2 03:00 since 2 02:00",
      "2 03:40 done -> -",
    ],
  ],
  [
    "without catch-up what is late is left out",
    jobOf(never),
    [
      "5 09:00 -> skip 2 03:00 catch_up_never, skip 3 03:00 catch_up_never, skip 4 03:00 catch_up_never, skip 5 03:00 catch_up_never",
      "6 03:00 -> start 6 03:00",
    ],
  ],
  [
    "without catch-up the newest still runs inside its grace",
    jobOf(never),
    ["4 03:59 -> skip 2 03:00 catch_up_never, skip 3 03:00 catch_up_never, start 4 03:00"],
  ],
  [
    "a plan says how long the grace is",
    jobOf({ ...never, grace_seconds: 60 }),
    ["2 03:00:30 -> start 2 03:00", "3 03:02 done -> skip 3 03:00 catch_up_never"],
  ],
  [
    "tries again after 1, 2 and 4 minutes, then no more",
    jobOf(),
    [
      "2 03:00 -> start 2 03:00",
      "2 03:10 failed -> -",
      "2 03:10:59 -> -",
      "2 03:11 -> start 2 03:00 #2",
      "2 03:20 failed -> -",
      "2 03:22 -> start 2 03:00 #3",
      "2 03:30 failed -> -",
      "2 03:33:59 -> -",
      "2 03:34 -> start 2 03:00 #4",
      "2 03:40 failed -> -",
      "2 23:00 -> -",
    ],
  ],
  [
    "what was refused is not tried again",
    jobOf(),
    ["2 03:00 -> start 2 03:00", "2 03:10 refused -> -", "2 23:00 -> -"],
  ],
  [
    "no attempt goes past the next due",
    jobOf({ ...hourly, retry_seconds: 1800 }),
    ["2 01:00 -> start 2 01:00", "2 01:40 failed -> -", "2 01:59 -> -", "2 02:00 -> start 2 02:00"],
  ],
  [
    "a next due that comes while it waits takes its place",
    jobOf({ ...hourly, retry_seconds: 1800 }),
    ["2 01:00 -> start 2 01:00", "2 01:10 failed -> -", "2 05:00 -> start 2 05:00 since 2 02:00"],
  ],
  [
    "a blackout and maintenance are told by name",
    jobOf({ schedule: { blackouts: nights } }),
    ["2 03:00 -> skip 2 03:00 blackout", "2 06:00 -> -"],
  ],
  [
    "maintenance alone",
    jobOf({ closed }),
    ["2 03:00 -> start 2 03:00", "2 03:10 done -> -", "3 03:00 -> skip 3 03:00 maintenance"],
  ],
  [
    "a late run waits for the end of a blackout",
    jobOf({ schedule: { cron: "0 1 * * *", blackouts: nights } }),
    ["2 03:00 -> -", "2 04:59 -> -", "2 05:00 -> start 2 01:00"],
  ],
  [
    "another attempt waits for it too",
    jobOf({ schedule: { cron: "55 1 * * *", blackouts: nights } }),
    ["2 01:55 -> start 2 01:55", "2 02:30 failed -> -", "2 03:00 -> -", "2 05:00 -> start 2 01:55 #2"],
  ],
  [
    "a clock that goes back runs nothing again",
    jobOf(),
    ["2 03:00 -> start 2 03:00", "2 03:10 done -> -", "2 02:30 -> -", "2 03:00 -> -", "3 03:00 -> start 3 03:00"],
  ],
  [
    "a clock that was ahead for hours keeps nothing from running once it is right",
    jobOf({ schedule: { cron: "*/10 * * * *" } }),
    ["2 09:00 -> start 2 09:00 since 1 12:10", "2 05:05 done -> -", "2 05:10 -> start 2 05:10"],
  ],
  [
    "what comes due while nobody notices yet that the clock is right again",
    jobOf({ schedule: { cron: "*/10 * * * *" } }),
    ["2 09:05 -> start 2 09:00 since 1 12:10", "2 09:06 done -> -", "2 05:00:25 -> start 2 05:00"],
  ],
  [
    "a clock that was ahead for hours has the run of tonight come again: once too often is better than not at all",
    jobOf(),
    ["2 05:00 -> start 2 03:00", "2 05:10 done -> -", "1 20:00 -> -", "2 03:00 -> start 2 03:00"],
  ],
  [
    "a clock that was ahead by weeks does not stop it",
    jobOf(),
    ["28 09:00 -> start 28 03:00 since 2 03:00", "28 09:10 done -> -", "5 02:00 -> -", "5 03:00 -> start 5 03:00"],
  ],
  [
    "a retry noted by a clock that was ahead comes now",
    jobOf(),
    ["2 03:00 -> start 2 03:00", "2 12:00 failed -> -", "2 09:00 -> start 2 03:00 #2"],
  ],
  ["killed before it began, it begins", jobOf(), ["2 03:00 -> start 2 03:00", "2 03:02 found none -> start 2 03:00"]],
  [
    "killed before it began, and down past the next due",
    jobOf(),
    ["2 03:00 -> start 2 03:00", "4 09:00 found none -> start 4 03:00 since 2 03:00"],
  ],
  [
    "killed before it began, without catch-up",
    jobOf(never),
    ["2 03:00 -> start 2 03:00", "2 09:00 found none -> skip 2 03:00 catch_up_never", "3 03:00 -> start 3 03:00"],
  ],
  [
    "killed before it began, without catch-up, and the next is due",
    jobOf({ ...never, grace_seconds: 604_800 }),
    ["2 03:00 -> start 2 03:00", "3 04:00 found none -> skip 2 03:00 catch_up_never, start 3 03:00"],
  ],
  ["killed after its end", jobOf(), ["2 03:00 -> start 2 03:00", "2 03:02 found done -> -"]],
  [
    "killed while it ran",
    jobOf(),
    ["2 03:00 -> start 2 03:00", "2 03:02 found failed -> -", "2 03:03 -> start 2 03:00 #2"],
  ],
  [
    "stopped by its own host, it is not counted as an attempt",
    jobOf({ retries: 0 }),
    ["2 03:00 -> start 2 03:00", "2 03:02 found cancelled -> start 2 03:00"],
  ],
  [
    "a backup asks for it",
    jobOf({ schedule: null, after_backup: true }),
    ["2 03:10 asked 2 03:00 -> start 2 03:00", "2 03:20 done -> -"],
  ],
  [
    "backups ask while it runs: once more, for the newest",
    jobOf({ schedule: null, after_backup: true }),
    [
      "2 03:10 asked 2 03:00 -> start 2 03:00",
      "2 04:10 asked 2 04:00 -> -",
      "2 05:10 asked 2 05:00 -> -",
      "2 05:20 done -> start 2 05:00 since 2 04:00",
    ],
  ],
  [
    "what a backup asked for waits for the end of maintenance",
    jobOf({ schedule: null, after_backup: true, closed }),
    ["3 02:30 asked 3 01:00 -> -", "3 05:00 -> start 3 01:00"],
  ],
  [
    "an end that comes twice",
    jobOf(),
    ["2 03:00 -> start 2 03:00", "2 03:05 done -> -", "2 03:06 failed -> -", "2 23:00 -> -"],
  ],
])("%s", (_what, job, lines) => {
  it("as written", () =>
    expect(play(job, lines[0]?.startsWith("2 01:00") ? "2 00:30" : "1 12:00", lines)).toEqual(lines));
});

it("of a backlog of years the newest runs for all, and only the last days of it are looked at", () => {
  const minutely = jobOf({ schedule: { cron: "* * * * *" } });
  const from = new Date("2020-01-01T00:00:30Z");
  const begun = performance.now();
  const { effects } = step(minutely, idleSince(from), { type: "time" }, at("2 03:00"));
  expect(effects).toEqual([{ type: "start", due: at("2 03:00"), since: new Date("2020-01-01T00:01:00Z"), attempt: 1 }]);
  // Looking at each of three million would take minutes.
  expect(performance.now() - begun).toBeLessThan(20_000);
}, 30_000);
