import { inside } from "./inside.ts";
import { isInBackground } from "./precedence.ts";

export type WriterQueue = {
  /** Runs `task` when its turn comes: after the earlier ones of its kind, however they ended. */
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Resolves when everything that was queued so far has ended. */
  drained(): Promise<void>;
};

/** So many of those that somebody waits for go before one of the background that waits too. */
const IN_A_ROW = 8;

/**
 * One task at a time: what somebody waits for in its order, the background in its own order behind it. A task that queues
 * another one and waits for it would wait for ever: that is an error.
 */
export function writerQueue(): WriterQueue {
  const tasks = inside();
  const all = new Set<Promise<unknown>>();
  const turns = takingTurns();

  async function inTurn<T>(task: () => Promise<T>): Promise<T> {
    await turns.mine();
    try {
      return await tasks.run(task);
    } finally {
      turns.over();
    }
  }

  return {
    run(task) {
      if (tasks.here()) return Promise.reject(new Error("a write was started inside a write: hand the db on instead"));
      const result = inTurn(task);
      all.add(result);
      const forget = (): unknown => all.delete(result);
      result.then(forget, forget);
      return result;
    },
    async drained() {
      await Promise.allSettled(all);
    },
  };
}

/** Each who calls `mine` calls `over` when it has ended. */
function takingTurns(): { mine: () => Promise<void>; over: () => void } {
  const front: (() => void)[] = [];
  const back: (() => void)[] = [];
  let isTaken = false;
  let inARow = 0;

  function next(): (() => void) | undefined {
    const isBacksTurn = front.length === 0 || (inARow >= IN_A_ROW && back.length > 0);
    inARow = isBacksTurn ? 0 : inARow + 1;
    return isBacksTurn ? back.shift() : front.shift();
  }

  return {
    mine() {
      const { promise, resolve } = Promise.withResolvers<void>();
      (isInBackground() ? back : front).push(resolve);
      if (!isTaken) next()?.();
      isTaken = true;
      return promise;
    },
    over() {
      const begin = next();
      isTaken = begin !== undefined;
      begin?.();
    },
  };
}
