/** Who may work when: one at a time on an item, and not too many at once on the host. In the order in which they came. */
import { HoldfastError } from "../../errors.ts";

export type Turns = {
  /** Resolves when the item is free for the caller, until it disposes of its turn. Rejects with the signal's reason. */
  take(item: string, signal: AbortSignal, rank?: Rank): Promise<Disposable>;
};

/** What somebody asked for goes before what is merely due. */
export type Rank = "asked" | "due";

type Waiter = { item: string; rank: Rank; start: () => void };

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
    take: async (item, signal, rank = "asked") => {
      await new Promise<void>((resolve, reject) => {
        const onAbort = (): void => {
          waiting.splice(waiting.indexOf(waiter), 1);
          reject(reasonOf(signal));
        };
        const start = (): void => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        };
        const waiter = { item, rank, start };
        if (signal.aborted) return reject(reasonOf(signal));
        signal.addEventListener("abort", onAbort, { once: true });
        const behind = rank === "asked" ? waiting.findIndex((one) => one.rank === "due") : -1;
        waiting.splice(behind === -1 ? waiting.length : behind, 0, waiter);
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
