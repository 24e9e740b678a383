import type { GroupItem, Outcome } from "./group-item.ts";

export type Waiting = {
  item: GroupItem;
  bytes: number;
  /** Aborted when the connection that it came from is gone. */
  signal: AbortSignal;
  resolve: (outcome: Outcome) => void;
  reject: (error: unknown) => void;
};
export type WaitingQueue = {
  push(waiting: Waiting): void;
  /** The oldest ones, of so many events together, but at least one; without those that nobody waits for any more. */
  take(mostEvents: number): Waiting[];
  readonly length: number;
  readonly events: number;
  readonly bytes: number;
};

export function waitingQueue(): WaitingQueue {
  let queue: Waiting[] = [];
  let events = 0;
  let bytes = 0;
  return {
    push(waiting) {
      queue.push(waiting);
      events += sizeOf(waiting);
      bytes += waiting.bytes;
    },
    take(mostEvents) {
      let taken = 0;
      let until = 0;
      for (const waiting of queue) {
        if (until > 0 && taken + sizeOf(waiting) > mostEvents) break;
        taken += sizeOf(waiting);
        bytes -= waiting.bytes;
        until += 1;
      }
      const group = queue.slice(0, until);
      queue = queue.slice(until);
      events -= taken;
      return group.filter(isWanted);
    },
    get length() {
      return queue.length;
    },
    get events() {
      return events;
    },
    get bytes() {
      return bytes;
    },
  };
}

/** A resumption counts for one event. */
function sizeOf({ item }: Waiting): number {
  return item.type === "batch" ? item.events.length : 1;
}

/** What waits for a connection that is gone will be sent again on the next one. */
function isWanted({ signal, reject }: Waiting): boolean {
  if (!signal.aborted) return true;
  reject(signal.reason);
  return false;
}
