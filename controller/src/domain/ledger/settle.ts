/** What became of a run that was expected: by what its agent tells, and by what it does not tell in time. */
import type { Run } from "../run.ts";
import type { ExpectedState } from "./expected.ts";

export type ExpectedFacts = {
  state: ExpectedState;
  reason: string | null;
  startsAt: Date;
  graceUntil: Date;
  /** When it was written down. */
  writtenAt?: Date;
  runId: string | null;
  runState: Run["state"] | null;
  attempt: number | null;
};
/** `settledAt` null: open. */
export type Settled = Pick<ExpectedFacts, "state" | "reason" | "runId" | "runState" | "attempt"> & {
  settledAt: Date | null;
};

/** `startedAt`: by the controller's clock. */
export type RunFacts = { runId: string; state: Run["state"]; attempt: number; startedAt: Date };

export type Told =
  /** A run for this due began or went on. */
  | { run: RunFacts }
  /** A later run made up for it. */
  | { madeUpBy: string }
  /** Its agent left it out on purpose. */
  | { skipped: string }
  /** Its agent could not run it in time, and is not to run it late. */
  | { missed: string };

const LATE = "late";
/** Of which no run is known, and nothing was left out on purpose. */
const SILENT: readonly ExpectedState[] = ["expected", "unknown", "missed"];
const MAY_BE_SKIPPED: readonly ExpectedState[] = [...SILENT, "coalesced", "withdrawn"];

/**
 * What an agent told settles a due whatever it was, however late it is told: on time is what began within the grace. A run
 * goes before a skip, a skip before what a later run made up for. null: nothing new.
 */
export function settleTold(row: ExpectedFacts, told: Told, now: Date): Settled | null {
  if ("run" in told) return settleByRun(row, told.run, now);
  const { runState, attempt } = row;
  if ("skipped" in told) {
    if (!MAY_BE_SKIPPED.includes(row.state)) return null;
    return { state: "skipped", reason: told.skipped, runId: null, runState, attempt, settledAt: now };
  }
  if (!SILENT.includes(row.state)) return null;
  if ("missed" in told) return row.state === "missed" ? null : ended("missed", told.missed, now);
  return { state: "coalesced", reason: null, runId: told.madeUpBy, runState, attempt, settledAt: now };
}

function settleByRun(row: ExpectedFacts, run: RunFacts, now: Date): Settled | null {
  const isKnown = row.attempt !== null;
  if (row.attempt !== null && run.attempt < row.attempt) return null;
  if (isKnown && run.runId === row.runId && run.state === row.runState) return null;
  const isLate = isKnown ? wasLate(row) : run.startedAt > row.graceUntil;
  const about = { runId: run.runId, runState: run.state, attempt: run.attempt };
  if (run.state === "running") return { ...about, state: "running", reason: isLate ? LATE : null, settledAt: null };
  return { ...about, state: isLate ? "ran_late" : "ran", reason: null, settledAt: now };
}

/** The first attempt decides. */
function wasLate({ state, reason }: ExpectedFacts): boolean {
  return state === "ran_late" || (state === "running" && reason === LATE);
}

/** How the agent stands. */
export type Silence = {
  /** Since when it is connected and has told all that waited; null: it is away, or still telling. */
  inStepSince: Date | null;
  /** Since when it is away, as far as this controller can know; null: it is connected. */
  awaySince: Date | null;
  /** Away for longer, what is unknown is missed. */
  missedAfterMs: number;
  /** Whether the agent has said that it has the newest plan: otherwise it may never have heard of this due. */
  isPlanConfirmed: boolean;
  /** When last something else ran there that had to end before; null: not of late. */
  busyAt: Date | null;
  /** A host that was away makes up for what it missed within so long after its return. */
  catchUpMs: number;
  /** Maintenance at the due time, or now. */
  isInMaintenance: boolean;
};

/** What is told takes a moment to arrive, and a host that comes back, or becomes free, has a minute to begin. */
const ARRIVES_MS = 30_000;
const RETURNS_MS = 60_000;
/** Nor is anything known of what was due while this controller slept, before its dead connections have ended. */
const WAKES_MS = 120_000;

/** What an agent's silence says of a due of which nothing was told. null: nothing new. */
export function settleSilent(row: ExpectedFacts, silence: Silence, now: Date): Settled | null {
  if ((row.state !== "expected" && row.state !== "unknown") || now < row.graceUntil) return null;
  const verdict = judge(row, silence, now);
  if (verdict === null || verdict.state === row.state) return null;
  const { state, reason } = verdict;
  if (state === "missed" && silence.isInMaintenance) return ended("skipped", "maintenance", now);
  return state === "missed" ? ended(state, reason, now) : { ...ended(state, reason, now), settledAt: null };
}

type Verdict = { state: "unknown" | "missed"; reason: string | null };

function judge(row: ExpectedFacts, silence: Silence, now: Date): Verdict | null {
  const { inStepSince, awaySince, missedAfterMs, isPlanConfirmed, catchUpMs, busyAt } = silence;
  if (awaySince !== null && now.getTime() - awaySince.getTime() >= missedAfterMs)
    return { state: "missed", reason: "agent_offline" };
  const isOld = now.getTime() - row.graceUntil.getTime() >= missedAfterMs;
  if (inStepSince === null) return { state: "unknown", reason: awaySince === null ? "not_in_step" : "agent_offline" };
  const free = busyAt === null || isOld ? 0 : busyAt.getTime() + RETURNS_MS;
  const { graceUntil, startsAt, writtenAt = startsAt } = row;
  const woken = writtenAt > startsAt ? writtenAt.getTime() + WAKES_MS : 0;
  const returned = inStepSince.getTime() + RETURNS_MS + catchUpMs;
  const told = Math.max(graceUntil.getTime() + ARRIVES_MS, returned, free, woken);
  if (now.getTime() < told) return null;
  return isPlanConfirmed || isOld
    ? { state: "missed", reason: "not_run" }
    : { state: "unknown", reason: "plan_not_confirmed" };
}

function ended(state: ExpectedState, reason: string | null, now: Date): Settled {
  return { state, reason, runId: null, runState: null, attempt: null, settledAt: now };
}
