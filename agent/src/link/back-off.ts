/** When to try again: random over the whole span, so that a thousand agents do not come back at one moment. */
import type { LinkTiming, Retry } from "./state.ts";

const LONGEST_ASKED_MS = 86_400_000;

/** ms until the next attempt; null: none. `failures`: how many came before; `chance`: random, 0 to 1. */
export function delayBefore(retry: Retry, failures: number, chance: number, timing: LinkTiming): number | null {
  const span = Math.min(timing.longestDelayMs, timing.firstDelayMs * 2 ** Math.min(failures, 30));
  switch (retry.when) {
    case "backed-off":
      return chance * span;
    case "after":
      return Math.min(retry.ms, LONGEST_ASKED_MS) + chance * span;
    case "rarely":
      return timing.rareMs + (chance * timing.rareMs) / 10;
    case "at-once":
      return 0;
    case "never":
      return null;
  }
}
