import { setImmediate as nextTurn } from "node:timers/promises";
import { isInBackground, nobodyWaits } from "./precedence.ts";

/** What has to be awaited before it is asked again; null: nothing. */
export type Gate = () => Promise<void> | null;
export type LoopTurns = {
  /** To be awaited before each piece of work: at once, or in the event loop's next turn when this one took too long. */
  mine(): Promise<void>;
  /** Before each statement of a read. What somebody waits for is not held up. */
  inRead: Gate;
  /** The same within a transaction: it gives way for one turn only, because others wait for its end. */
  inTransaction: Gate;
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

type Turn = { begunAt: number; over: Promise<void> };

const DEFAULTS: LoopTurnSettings = { longestMs: 8, backgroundMs: 2, patienceMs: 10, elapsed: () => performance.now() };

/**
 * SQLite answers at once, and what is awaited then goes on without a look at any socket or timer: ten thousand small
 * steps of one job would be one long silence for everybody else. All who wait are woken together, in order.
 */
export function loopTurns(given: Partial<LoopTurnSettings> = {}): LoopTurns {
  const { longestMs, backgroundMs, patienceMs, elapsed } = { ...DEFAULTS, ...given };
  let turn: Turn | null = null;

  function begin(): Turn {
    const over = nextTurn().then(() => {
      if (turn === begun) turn = null;
    });
    const begun = { begunAt: elapsed(), over };
    turn = begun;
    return begun;
  }

  /** The turn that took so long (milliseconds); null: this one is younger. */
  function olderThan(ms: number): Turn | null {
    const current = turn ?? begin();
    return elapsed() - current.begunAt >= ms ? current : null;
  }

  /** Who comes while others of the background wait is woken behind them. The first who is woken finds a new turn. */
  function between(patience: number): Gate {
    let waiting: Promise<void> | null = null;
    async function wait(old: Turn): Promise<void> {
      await old.over;
      await nobodyWaits(patience);
      begin();
    }
    return () => {
      if (!isInBackground()) return null;
      if (waiting !== null) return waiting;
      const old = olderThan(backgroundMs);
      if (old === null) return null;
      waiting = wait(old);
      // Before all who wait, and with nothing between it and them.
      void waiting.then(() => {
        waiting = null;
      });
      return waiting;
    };
  }

  return {
    async mine() {
      const isBehind = isInBackground();
      await olderThan(isBehind ? backgroundMs : longestMs)?.over;
      if (isBehind) await nobodyWaits(patienceMs);
    },
    inRead: between(patienceMs),
    inTransaction: between(0),
  };
}
