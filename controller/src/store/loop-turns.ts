import { setImmediate as nextTurn } from "node:timers/promises";
import { isInBackground, nobodyWaits } from "./precedence.ts";

export type LoopTurns = {
  /** To be awaited before each piece of work: at once, or in the event loop's next turn when this one took too long. */
  mine(): Promise<void>;
};
export type LoopTurnSettings = {
  /** A turn that took so long is over after the piece of work at hand. */
  longestMs: number;
  /** The same for what runs in the background: a request needs several turns until it is answered. */
  backgroundMs: number;
  /** For so long the background waits for the end of what somebody waits for; it has to come forward too. */
  patienceMs: number;
  /** By a clock that never jumps (milliseconds). */
  elapsed: () => number;
};

const DEFAULTS: LoopTurnSettings = { longestMs: 8, backgroundMs: 2, patienceMs: 10, elapsed: () => performance.now() };

/**
 * SQLite answers at once, and what is awaited then goes on without a look at any socket or timer: ten thousand small
 * steps of one job would be one long silence for everybody else. All who wait are woken together, in order.
 */
export function loopTurns(given: Partial<LoopTurnSettings> = {}): LoopTurns {
  const { longestMs, backgroundMs, patienceMs, elapsed } = { ...DEFAULTS, ...given };
  let turn: { begunAt: number; over: Promise<void> } | null = null;

  function begin() {
    const over = nextTurn().then(() => {
      turn = null;
    });
    return { begunAt: elapsed(), over };
  }

  async function oldTurnsEnd(most: number): Promise<void> {
    turn ??= begin();
    if (elapsed() - turn.begunAt >= most) await turn.over;
  }

  return {
    async mine() {
      if (!isInBackground()) return await oldTurnsEnd(longestMs);
      await oldTurnsEnd(backgroundMs);
      await nobodyWaits(patienceMs);
    },
  };
}
