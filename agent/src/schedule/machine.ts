/**
 * When a job runs (pure): each due is run, coalesced into the run of a later one, or skipped, exactly once, whatever
 * the host slept through; and no job runs twice at a time.
 */
import { closedAt } from "@holdfast/protocol";
import type { Job } from "./job.ts";
import { nextDue, ripeDues } from "./ripe.ts";
import type { JobEffect, JobEvent, JobState, Step } from "./state.ts";
import { takeDues } from "./take-dues.ts";

/** What is held by a closed time is looked at again so soon. */
const HELD_MS = 30_000;
const JITTER = 0.1;
/** A clock that goes back by less was corrected, and runs nothing twice; by more, it was wrong before. */
const AHEAD_MS = 3_600_000;
/** So long it may take until that is noticed, and something have come due. */
const UNSEEN_MS = 60_000;

type Running = Extract<JobState, { kind: "running" }>;
type Waiting = Extract<JobState, { kind: "waiting" }>;

export function step(job: Job, state: JobState, event: JobEvent, now: Date): Step {
  switch (event.type) {
    case "time":
      return advance(job, state, now);
    case "asked": {
      const since = state.asked === null ? null : (state.asked.since ?? state.asked.due);
      return advance(job, { ...state, asked: { due: event.due, since } }, now);
    }
    case "ended":
      if (state.kind !== "running") return advance(job, state, now);
      return advance(job, event.outcome === "failed" ? afterFailure(job, state, event.random, now) : idle(state), now);
    case "found":
      if (state.kind !== "running") return advance(job, state, now);
      if (event.run === "done") return advance(job, idle(state), now);
      if (event.run === "failed") return advance(job, afterFailure(job, state, event.random, now), now);
      return advance(job, { ...state, kind: "waiting", retryAt: now }, now);
  }
}

function advance(job: Job, given: JobState, now: Date): Step {
  if (given.kind === "running") return { state: given, effects: [] };
  const state = healed(given, now);
  const isClosed = closedAt(job.plan.schedule, now, job.closed) !== null;
  const taken = takeDues(job, state, ripeDues(job, state.settledThrough, now), { now, isClosed });
  const begun = taken.state.kind === "running" ? taken : begin(job, taken.state, { now, isClosed });
  const effects = [...(begun === taken ? [] : taken.effects), ...begun.effects];
  return { state: begun.state, effects: [...effects, ...wake(job, begun.state, now)] };
}

/** What is not due by the clock: another attempt, or what a backup asked for. */
function begin(job: Job, state: JobState, { now, isClosed }: { now: Date; isClosed: boolean }): Step {
  const still = { state, effects: [] };
  if (state.kind === "running" || isClosed) return still;
  const { settledThrough, asked } = state;
  if (asked !== null) {
    const since = asked.since ?? (state.kind === "waiting" && state.attempt === 1 ? state.due : null);
    return started({ settledThrough, asked: null, due: asked.due, since, attempt: 1 });
  }
  if (state.kind === "idle" || !hasCome(job, state, now)) return still;
  const { due, since, attempt } = state;
  return started({ settledThrough, asked, due, since, attempt });
}

function started(of: Omit<Running, "kind">): Step {
  const { due, since, attempt } = of;
  return { state: { ...of, kind: "running" }, effects: [{ type: "start", due, since, attempt }] };
}

/** A retry that lies further ahead than any delay was noted by another clock. */
function hasCome({ plan }: Job, { retryAt, attempt }: Waiting, now: Date): boolean {
  const longest = delayMs(plan.retry_seconds, attempt - 1) * (1 + JITTER);
  return retryAt <= now || retryAt.getTime() - now.getTime() > longest;
}

function delayMs(retrySeconds: number, failures: number): number {
  return retrySeconds * 1000 * 2 ** Math.max(0, failures - 1);
}

/** Another attempt, unless there were enough, or the next due comes before it. */
function afterFailure(job: Job, state: Running, random: number, now: Date): JobState {
  const { retries, retry_seconds } = job.plan;
  if (state.attempt > retries || state.asked !== null) return idle(state);
  const delay = delayMs(retry_seconds, state.attempt) * (1 + JITTER * (2 * random - 1));
  const retryAt = new Date(now.getTime() + delay);
  const next = nextDue(job, state.settledThrough, { open: true });
  if (next !== null && next.startsAt <= retryAt) return idle(state);
  return { ...state, kind: "waiting", attempt: state.attempt + 1, retryAt };
}

function idle({ settledThrough, asked }: JobState): JobState {
  return { kind: "idle", settledThrough, asked };
}

/** What was settled by a clock that was ahead must not keep the job from running: rather a due runs once more. */
function healed<State extends JobState>(state: State, now: Date): State {
  if (state.settledThrough.getTime() - now.getTime() <= AHEAD_MS) return state;
  return { ...state, settledThrough: new Date(now.getTime() - UNSEEN_MS) };
}

function wake(job: Job, state: JobState, now: Date): JobEffect[] {
  if (state.kind === "running") return [];
  const next = nextDue(job, state.settledThrough, { open: false });
  const times = [
    ...(next === null ? [] : [next.startsAt.getTime()]),
    ...(state.kind === "waiting" ? [state.retryAt.getTime()] : []),
    ...(state.asked === null ? [] : [now.getTime()]),
  ];
  if (times.length === 0) return [];
  const at = Math.min(...times);
  return [{ type: "wake", at: new Date(at <= now.getTime() ? now.getTime() + HELD_MS : at) }];
}
