/** The clock jumps, the host sleeps, the agent is killed: whatever comes, each due is accounted for exactly once. */
import { duesBetween } from "@holdfast/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Job } from "./job.ts";
import { step } from "./machine.ts";
import { type Attempt, idleSince, type JobEffect, type JobEvent, type JobState } from "./state.ts";
import { jobOf } from "./test-jobs.ts";

const FROM = new Date("2026-03-20T00:30:00Z");
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

type Move =
  | { do: "pass"; minutes: number }
  | { do: "begin" }
  | { do: "end"; outcome: "done" | "failed" | "refused" }
  | { do: "kill" };

const moves = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("pass" as const), minutes: fc.integer({ min: 0, max: 90 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("pass" as const), minutes: fc.integer({ min: -60, max: 9000 }) }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("begin" as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant("end" as const), outcome: fc.constantFrom("done", "failed", "refused") }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("kill" as const) }) },
  ),
  { maxLength: 60 },
);

const jobs = fc
  .record({
    cron: fc.constantFrom("0 3 * * *", "0 * * * *", "*/10 * * * *", "30 2 * * 7"),
    zone: fc.constantFrom("UTC", "Europe/Berlin", "Australia/Lord_Howe"),
    jitter_seconds: fc.constantFrom(0, 240),
    catch_up: fc.constantFrom("once", "never"),
    blackouts: fc.constantFrom([], [{ weekdays: [1, 2, 3, 4, 5, 6, 7], from: "22:00", until: "04:00" }]),
    retries: fc.integer({ min: 0, max: 3 }),
    closed: fc.constantFrom([], [{ from: "2026-03-22T00:00:00Z", until: "2026-03-23T12:00:00Z" }]),
  })
  .map(({ retries, closed, ...schedule }) => jobOf({ schedule, retries, closed, retry_seconds: 300 }));

type World = {
  state: JobState;
  now: Date;
  /** A clock that goes back by more than an hour is taken to have been wrong before. */
  latest: Date;
  /** The run that was started: not begun yet, or going on. */
  run: (Attempt & { begun: boolean }) | null;
  begun: Attempt[];
  skipped: Extract<JobEffect, { type: "skip" }>[];
};

function happen(job: Job, world: World, event: JobEvent): void {
  const { state, effects } = step(job, world.state, event, world.now);
  expect(state.settledThrough.getTime()).toBeGreaterThanOrEqual(world.state.settledThrough.getTime());
  world.state = state;
  for (const effect of effects)
    if (effect.type === "start") {
      expect(world.run).toBe(null);
      world.run = { ...effect, begun: false };
    } else if (effect.type === "skip") world.skipped.push(effect);
}

function move(job: Job, world: World, one: Move): void {
  const { run } = world;
  switch (one.do) {
    case "pass":
      world.now = new Date(Math.max(world.now.getTime() + one.minutes * MINUTE_MS, world.latest.getTime() - HOUR_MS));
      if (world.now > world.latest) world.latest = world.now;
      happen(job, world, { type: "time" });
      break;
    case "begin":
      if (run !== null && !run.begun) {
        world.begun.push(run);
        run.begun = true;
      }
      break;
    case "end":
      if (run?.begun !== true) break;
      world.run = null;
      happen(job, world, { type: "ended", outcome: one.outcome, random: 0.5 });
      break;
    case "kill":
      world.run = null;
      happen(job, world, { type: "found", run: run?.begun === true ? "failed" : "none", random: 0.5 });
  }
}

/** How often a due was run, made up for by a later one, or left out. */
function countOf(due: Date, { begun, skipped }: World): { run: number; open: number } {
  const inside = (one: { due: Date; since: Date | null }): boolean =>
    one.since !== null && one.since <= due && due < one.due;
  const first = begun.filter(({ attempt }) => attempt === 1);
  const run = first.filter((one) => one.due.getTime() === due.getTime()).length;
  const left = skipped.filter((one) => one.due.getTime() === due.getTime() || inside(one)).length;
  return { run, open: run + left + first.filter(inside).length };
}

it("each due is run, coalesced or skipped exactly once, and no two runs go on at a time", () => {
  fc.assert(
    fc.property(jobs, moves, (job, all) => {
      const world: World = { state: idleSince(FROM), now: FROM, latest: FROM, run: null, begun: [], skipped: [] };
      for (const one of all) move(job, world, one);
      // What is under way, or waits to begin, is settled by its end.
      const { state } = world;
      const pending = world.run?.begun === false || (state.kind === "waiting" && state.attempt === 1);
      const until =
        pending && state.kind !== "idle" ? new Date((state.since ?? state.due).getTime() - 1) : state.settledThrough;
      const { schedule } = job.plan;
      if (schedule === null) throw new Error("by the clock");
      for (const due of duesBetween(schedule, job.name, {
        after: FROM,
        through: until,
        limit: 10_000,
        closed: job.closed,
      })) {
        const { run, open } = countOf(due.dueAt, world);
        if (due.closedBy === null) expect([due.dueAt, open]).toEqual([due.dueAt, 1]);
        else expect(run).toBe(0);
      }
      expect(world.begun.filter(({ due }) => due <= FROM)).toEqual([]);
    }),
    { numRuns: 120 },
  );
}, 60_000);

/** Looks at that time, and ends whatever runs begin. */
function lookAt(job: Job, given: JobState, now: Date): JobState {
  let { state } = step(job, given, { type: "time" }, now);
  while (state.kind === "running") state = step(job, state, { type: "ended", outcome: "done", random: 0.5 }, now).state;
  return state;
}

it("whatever its clock did, a job runs when it is due next once the clock is right", () => {
  const jumps = fc.array(fc.integer({ min: -8000, max: 8000 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(jobs, jumps, (job, all) => {
      const { schedule } = job.plan;
      if (schedule === null) throw new Error("by the clock");
      // The last two are right. Within an hour of them nothing need run twice.
      const times = [...all, 0, 61].map((minutes) => new Date(FROM.getTime() + minutes * MINUTE_MS));
      const state = times.reduce((known, now) => lookAt(job, known, now), idleSince(FROM));
      const after = times.at(-1) ?? FROM;
      const ahead = { after, through: new Date(after.getTime() + 240 * HOUR_MS), limit: 1500, closed: job.closed };
      const next = duesBetween(schedule, job.name, ahead).find(({ closedBy }) => closedBy === null);
      if (next === undefined) return;
      const { effects } = step(job, state, { type: "time" }, next.startsAt);
      expect(effects).toContainEqual(expect.objectContaining({ type: "start", due: next.dueAt }));
    }),
    { numRuns: 40 },
  );
}, 60_000);
