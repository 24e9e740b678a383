import { AsyncLocalStorage } from "node:async_hooks";

export type Inside = {
  /** Whether the caller runs in a piece of work that has not ended. */
  here(): boolean;
  run<T>(work: () => Promise<T>): Promise<T>;
};

/** Knows what was begun by a piece of work; what it leaves behind at its end is outside again. */
export function inside(): Inside {
  const pieces = new AsyncLocalStorage<{ open: boolean }>();
  return {
    here: () => pieces.getStore()?.open === true,
    async run(work) {
      const mark = { open: true };
      try {
        return await pieces.run(mark, work);
      } finally {
        mark.open = false;
      }
    },
  };
}
