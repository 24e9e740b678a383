import { AsyncLocalStorage } from "node:async_hooks";

/**
 * Runs pieces of work in the order of the calls, the next when the one before has ended, however it ended. A piece that
 * is begun inside another one is part of it.
 */
export function oneByOne(): <T>(piece: () => Promise<T>) => Promise<T> {
  const inside = new AsyncLocalStorage<{ open: boolean }>();
  let last: Promise<unknown> = Promise.resolve();

  async function marked<T>(piece: () => Promise<T>): Promise<T> {
    const mark = { open: true };
    try {
      return await inside.run(mark, piece);
    } finally {
      mark.open = false;
    }
  }

  return (piece) => {
    if (inside.getStore()?.open === true) return piece();
    const result = last.then(() => marked(piece));
    last = result.catch(() => undefined);
    return result;
  };
}
