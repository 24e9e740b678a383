import { setImmediate as nextTurn } from "node:timers/promises";
import { isInBackground, nobodyWaits } from "./precedence.ts";

/** What has to be awaited first; null: nothing. */
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

  /** Who comes while others of the background wait is woken behind them. */
  function between(giveWay: () => Promise<void>): Gate {
    let waiting: Promise<void> | null = null;
    return () => {
      if (!isInBackground()) return null;
      if (waiting !== null) return waiting;
      turn ??= begin();
      if (elapsed() - turn.begunAt < backgroundMs) return null;
      waiting = giveWay().finally(() => {
        waiting = null;
      });
      return waiting;
    };
  }

  async function nextBegins(): Promise<void> {
    await turn?.over;
    turn ??= begin();
  }

  return {
    async mine() {
      if (!isInBackground()) return await oldTurnsEnd(longestMs);
      await oldTurnsEnd(backgroundMs);
      await nobodyWaits(patienceMs);
    },
    inRead: between(async () => {
      await nextBegins();
      await nobodyWaits(patienceMs);
    }),
    inTransaction: between(nextBegins),
  };
}
