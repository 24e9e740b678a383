/** What is done about the dues that have come (pure). */
import type { Due } from "@holdfast/protocol";
import type { Job } from "./job.ts";
import type { Ripe } from "./ripe.ts";
import type { Attempt, JobEffect, JobState, Step } from "./state.ts";

/** Where a plan says nothing about it. */
const GRACE_SECONDS = 3600;

type Unstarted = Exclude<JobState, { kind: "running" }>;
type Moment = { now: Date; isClosed: boolean };

/** The newest due begins, for all others too; nothing begins while `isClosed`: then everything open stays as it is. */
export function takeDues(job: Job, state: Unstarted, ripe: Ripe, { now, isClosed }: Moment): Step {
  const { dues } = ripe;
  const isNever = job.plan.schedule?.catch_up === "never";
  const given = isNever ? withoutLate(job, state, now) : { state, effects: [] };
  const last = dues.at(-1);
  if (last === undefined) return given;
  const newest = dues.findLast(({ closedBy }) => closedBy === null);
  const settled = { ...given.state, settledThrough: last.dueAt };
  const skips = [...given.effects, ...dues.flatMap(skipOfClosed)];
  if (newest === undefined) return { state: settled, effects: skips };
  if (isNever && isLate(job, newest, now))
    return { state: idle(settled), effects: [...skips, ...missed(given.state, ripe, null)] };
  if (isClosed) return given;
  if (isNever) skips.push(...missed(given.state, ripe, newest));
  const about = { due: newest.dueAt, since: isNever ? null : oldestOf(given.state, ripe), attempt: 1 };
  return {
    state: { ...idle(settled), kind: "running", ...about },
    effects: [...skips, { type: "start", ...about }],
  };
}

function idle({ settledThrough, asked }: JobState): Extract<JobState, { kind: "idle" }> {
  return { kind: "idle", settledThrough, asked };
}

const NEVER = "catch_up_never";

function skipOfClosed({ dueAt: due, closedBy: reason }: Due): JobEffect[] {
  return reason === null ? [] : [{ type: "skip", due, since: null, reason }];
}

/** All open dues but `but`, and what was to begin for the first time before them. */
function missed(state: Unstarted, { dues, before }: Ripe, but: Due | null): JobEffect[] {
  const open = dues.filter((due) => due.closedBy === null && due !== but);
  const skips = open.map(({ dueAt: due }, index): JobEffect => {
    return { type: "skip", due, since: index === 0 ? before : null, reason: NEVER };
  });
  return state.kind === "waiting" && state.attempt === 1 ? [skipOf(state), ...skips] : skips;
}

function skipOf({ due, since }: Pick<Attempt, "due" | "since">): JobEffect {
  return { type: "skip", due, since, reason: NEVER };
}

function isLate({ plan }: Job, { startsAt }: Pick<Due, "startsAt">, now: Date): boolean {
  return now.getTime() - startsAt.getTime() > (plan.grace_seconds ?? GRACE_SECONDS) * 1000;
}

/** What was to begin for the first time when the agent stopped is missed as well. */
function withoutLate(job: Job, state: Unstarted, now: Date): { state: Unstarted; effects: JobEffect[] } {
  if (state.kind !== "waiting" || state.attempt > 1 || !isLate(job, { startsAt: state.due }, now))
    return { state, effects: [] };
  return { state: idle(state), effects: [skipOf(state)] };
}

/** The oldest due that the newest one makes up for; null when that is only itself. */
function oldestOf(state: Unstarted, { dues, before }: Ripe): Date | null {
  if (state.kind === "waiting" && state.attempt === 1) return state.since ?? state.due;
  const open = dues.filter(({ closedBy }) => closedBy === null);
  const oldest = before ?? (open.length > 1 ? open[0]?.dueAt : undefined);
  return oldest ?? null;
}
