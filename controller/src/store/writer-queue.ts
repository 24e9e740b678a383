import { AsyncLocalStorage } from "node:async_hooks";

export type WriterQueue = {
  /** Runs `task` when all earlier ones ended, however they ended. */
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Resolves when everything that was queued so far has ended. */
  drained(): Promise<void>;
};

/** One task at a time, in order. A task that queues another one and waits for it would wait for ever: that is an error. */
export function writerQueue(): WriterQueue {
  const inside = new AsyncLocalStorage<{ open: boolean }>();
  let tail: Promise<unknown> = Promise.resolve();

  async function guarded<T>(task: () => Promise<T>): Promise<T> {
    const mark = { open: true };
    try {
      return await inside.run(mark, task);
    } finally {
      mark.open = false;
    }
  }

  return {
    run(task) {
      if (inside.getStore()?.open === true)
        return Promise.reject(new Error("a write was started inside a write: hand the db on instead"));
      const result = tail.then(() => guarded(task));
      tail = result.catch(() => undefined);
      return result;
    },
    async drained() {
      await tail;
    },
  };
}
