import type { FeedEntry } from "./feed.ts";

/** What one listener has not yet taken. When it is too slow, all is dropped, and it goes back to the table of events. */
export type FeedBuffer = {
  push(entries: readonly FeedEntry[]): void;
  /** What was missed so far is going to be read from the table; what is missed from now on counts. */
  restart(): void;
  /** Ends when something was missed, or with the signal. */
  entries(): AsyncGenerator<FeedEntry, void, undefined>;
};

const MOST = 1000;

export function feedBuffer(agentId: string | null, signal: AbortSignal): FeedBuffer {
  let waiting: FeedEntry[] = [];
  let missed = false;
  let wake: () => void = () => undefined;
  signal.addEventListener("abort", () => wake(), { once: true });

  function keep(entry: FeedEntry): void {
    if (missed || (agentId !== null && entry.agentId !== agentId)) return;
    if (waiting.length < MOST) {
      waiting.push(entry);
      return;
    }
    waiting = [];
    missed = true;
  }

  return {
    push(entries) {
      for (const entry of entries) keep(entry);
      wake();
    },
    restart() {
      missed = false;
    },
    async *entries() {
      while (!missed && !signal.aborted) {
        const some = waiting;
        waiting = [];
        for (const entry of some) {
          if (signal.aborted) return;
          yield entry;
        }
        if (waiting.length > 0 || missed || signal.aborted) continue;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
