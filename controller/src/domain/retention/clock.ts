/** Whether the controller's clock is believed when it is a matter of removing something. */
import { DAY_MS } from "./point.ts";

export type ClockState = {
  at: Date;
  suspect: { since: Date; why: string } | null;
  /** When it was last believed: what was promised until later is promised still, whatever the clock says. */
  believedAt: Date;
};
export type ClockTick = {
  now: Date;
  /** By a clock that never jumps, since the tick before; null: this process has just begun. */
  elapsedMs: number | null;
  /** Hosts that are connected, by whether their clocks are within a day of this one. */
  agree: number;
  disagree: number;
};

const HOUR_MS = 3_600_000;

/**
 * A clock that jumped by more than a day is suspect until an hour went by and the hosts agree, or a day with none that
 * does not. A controller that was away for long cannot tell its absence from a jump.
 */
export function stepClock(before: ClockState | null, tick: ClockTick): ClockState {
  const { now, agree, disagree } = tick;
  const believedAt = before?.believedAt ?? new Date(0);
  const why = jumpOf(before, tick);
  if (why !== null) return { at: now, suspect: { since: now, why }, believedAt };
  if (disagree > agree) {
    const differ = `the clocks of ${disagree} of ${agree + disagree} connected hosts differ from the controller's by more than a day`;
    return { at: now, suspect: { since: before?.suspect?.since ?? now, why: differ }, believedAt };
  }
  const suspect = before?.suspect ?? null;
  if (suspect === null) return { at: now, suspect, believedAt: now };
  const quiet = now.getTime() - suspect.since.getTime();
  const isOver = (quiet >= HOUR_MS && agree > disagree) || (quiet >= DAY_MS && disagree === 0);
  return isOver ? { at: now, suspect: null, believedAt: now } : { at: now, suspect, believedAt };
}

/** Why the clock is not believed at `now`, also before it is looked at again; null: it is. */
export function doubtOf(state: ClockState | null, now: Date): string | null {
  if (state === null) return null;
  return state.suspect?.why ?? jumpOf(state, { now, elapsedMs: null });
}

/**
 * The time by which promises to keep something end: never later than the last that was believed, nor than a host says
 * whose clock is more than a day behind (`offsetMs`, the host's less the controller's; null: it has not said).
 */
export function promiseTimeOf(state: ClockState | null, now: Date, offsetMs: number | null): Date {
  const times = [now.getTime()];
  if (state !== null && doubtOf(state, now) !== null) times.push(state.believedAt.getTime());
  if (offsetMs !== null && offsetMs < -DAY_MS) times.push(now.getTime() + offsetMs);
  return new Date(Math.min(...times));
}

function jumpOf(before: ClockState | null, { now, elapsedMs }: Pick<ClockTick, "now" | "elapsedMs">): string | null {
  if (before === null) return null;
  const gap = now.getTime() - before.at.getTime() - (elapsedMs ?? 0);
  if (Math.abs(gap) <= DAY_MS) return null;
  const way = gap < 0 ? "went back" : elapsedMs === null ? "went on, or it was away," : "went on";
  return `the controller's clock ${way} from ${before.at.toISOString()} to ${now.toISOString()}`;
}
