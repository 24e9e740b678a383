import { inside } from "./inside.ts";

/**
 * Runs pieces of work in the order of the calls, the next when the one before has ended, however it ended. A piece that
 * is begun inside another one is part of it.
 */
export function oneByOne(): <T>(piece: () => Promise<T>) => Promise<T> {
  const pieces = inside();
  let last: Promise<unknown> = Promise.resolve();
  return (piece) => {
    if (pieces.here()) return piece();
    const result = last.then(() => pieces.run(piece));
    last = result.catch(() => undefined);
    return result;
  };
}
