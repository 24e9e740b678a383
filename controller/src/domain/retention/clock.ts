/** Whether the controller's clock is believed when it is a matter of removing something. */
import { DAY_MS } from "./point.ts";

export type ClockState = { at: Date; suspect: { since: Date; why: string } | null };
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
  const why = jumpOf(before, tick);
  if (why !== null) return { at: now, suspect: { since: now, why } };
  if (disagree > agree) {
    const differ = `the clocks of ${disagree} of ${agree + disagree} connected hosts differ from the controller's by more than a day`;
    return { at: now, suspect: { since: before?.suspect?.since ?? now, why: differ } };
  }
  const suspect = before?.suspect ?? null;
  if (suspect === null) return { at: now, suspect };
  const quiet = now.getTime() - suspect.since.getTime();
  const isOver = (quiet >= HOUR_MS && agree > disagree) || (quiet >= DAY_MS && disagree === 0);
  return { at: now, suspect: isOver ? null : suspect };
}

function jumpOf(before: ClockState | null, { now, elapsedMs }: ClockTick): string | null {
  if (before === null) return null;
  const gap = now.getTime() - before.at.getTime() - (elapsedMs ?? 0);
  if (Math.abs(gap) <= DAY_MS) return null;
  const way = gap < 0 ? "went back" : elapsedMs === null ? "went on, or it was away," : "went on";
  return `the controller's clock ${way} from ${before.at.toISOString()} to ${now.toISOString()}`;
}
