/** Who may work when: one at a time on an item, and not too many at once on the host. In the order in which they came. */
import { HoldfastError } from "../../errors.ts";

export type Turns = {
  /** Resolves when the item is free for the caller, until it disposes of its turn. Rejects with the signal's reason. */
  take(item: string, signal: AbortSignal): Promise<Disposable>;
};

type Waiter = { item: string; start: () => void };

export function createTurns(atOnce: number): Turns {
  const busy = new Set<string>();
  const waiting: Waiter[] = [];
  const next = (): void => {
    for (const waiter of [...waiting]) {
      if (busy.size >= atOnce) return;
      if (busy.has(waiter.item)) continue;
      waiting.splice(waiting.indexOf(waiter), 1);
      busy.add(waiter.item);
      waiter.start();
    }
  };
  return {
    take: async (item, signal) => {
      await new Promise<void>((resolve, reject) => {
        const onAbort = (): void => {
          waiting.splice(waiting.indexOf(waiter), 1);
          reject(reasonOf(signal));
        };
        const start = (): void => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        };
        const waiter = { item, start };
        if (signal.aborted) return reject(reasonOf(signal));
        signal.addEventListener("abort", onAbort, { once: true });
        waiting.push(waiter);
        next();
      });
      return {
        [Symbol.dispose]: () => {
          busy.delete(item);
          next();
        },
      };
    },
  };
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new HoldfastError("CANCELLED", { message: "cancelled" });
}
