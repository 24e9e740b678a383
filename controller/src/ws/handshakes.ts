import { fullBucket, taken } from "./allowance.ts";
import type { HubSettings } from "./settings.ts";

export type Handshakes = {
  /** Answers what ends it; null: there are too many. */
  begin(address: string, port: number): (() => void) | null;
  end(address: string, port: number): void;
  /** One more line for the log, with how many had to be left out since the last one; null: none, strangers must not fill it. */
  nextLine(): { untold: number } | null;
};

const LINES = { burst: 50, perSecond: 2 };

/** Those under way, counted by address too, so that one stranger cannot keep everyone out. */
export function openHandshakes(limits: Pick<HubSettings, "handshakes" | "handshakesOfAddress">): Handshakes {
  const pending = new Map<string, Set<number>>();
  let count = 0;
  let lines = fullBucket(LINES, Date.now());
  let untold = 0;

  function end(address: string, port: number): void {
    const ports = pending.get(address);
    if (ports?.delete(port) !== true) return;
    count -= 1;
    if (ports.size === 0) pending.delete(address);
  }

  return {
    begin(address, port) {
      const ports = pending.get(address) ?? new Set();
      const isCrowded = count * 2 >= limits.handshakes && ports.size >= limits.handshakesOfAddress;
      if (count >= limits.handshakes || isCrowded) return null;
      pending.set(address, ports.add(port));
      count += 1;
      return () => end(address, port);
    },
    end,
    nextLine() {
      const next = taken(lines, LINES, 1, Date.now());
      if (next.left < 0) {
        untold += 1;
        return null;
      }
      const line = { untold };
      lines = next;
      untold = 0;
      return line;
    },
  };
}
