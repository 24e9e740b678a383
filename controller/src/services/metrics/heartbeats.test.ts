import { expect, it } from "vitest";
import { openHeartbeats } from "./heartbeats.ts";

const MINUTE = 60_000;

it("a job is late when it has not ended well for three of its pauses, and never within five minutes", () => {
  let at = 0;
  const beats = openHeartbeats(() => at);
  const quick = beats.watch("quick", 1000);
  beats.watch("hourly", 60 * MINUTE);
  const lateAt = (ms: number) => {
    at = ms;
    return beats.late().map(({ job }) => job);
  };
  expect(lateAt(5 * MINUTE)).toEqual([]);
  quick.failed();
  expect(lateAt(5 * MINUTE + 1001)).toEqual(["quick"]);
  quick.ended();
  expect(lateAt(10 * MINUTE)).toEqual([]);
  expect(beats.all()[0]).toMatchObject({ job: "quick", runs: 2, failures: 1, limitSeconds: 301 });
  quick.ended();
  expect(lateAt(180 * MINUTE)).toEqual(["quick"]);
  expect(lateAt(180 * MINUTE + 1)).toEqual(["quick", "hourly"]);
});

it("a job that gets on is not late, and has not ended", () => {
  let at = 0;
  const beats = openHeartbeats(() => at);
  const long = beats.watch("long", 1000);
  at = 5 * MINUTE;
  long.advanced();
  at = 10 * MINUTE;
  expect(beats.late()).toEqual([]);
  expect(beats.all()[0]).toMatchObject({ runs: 0, failures: 0 });
  at = 10 * MINUTE + 1001;
  expect(beats.late().map(({ job }) => job)).toEqual(["long"]);
});

it("a job that gets on and fails each time is late all the same", () => {
  let at = 0;
  const beats = openHeartbeats(() => at);
  const broken = beats.watch("broken", 1000);
  for (at = 0; at <= 6 * MINUTE; at += MINUTE) {
    broken.advanced();
    broken.failed();
  }
  expect(beats.late().map(({ job }) => job)).toEqual(["broken"]);
});
