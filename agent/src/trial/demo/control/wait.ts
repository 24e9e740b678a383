import { setTimeout as sleep } from "node:timers/promises";
import { HoldfastError } from "../../../errors.ts";

export type Wait<Found> = {
  /** What is waited for, as a clause: "the alert was not opened". */
  otherwise: string | (() => string);
  /** undefined: not yet. */
  look: () => Promise<Found | undefined>;
  patienceMs?: number;
};

/** What waits for the clock of another program and for its next minute, with room for both to be killed meanwhile. */
const PATIENCE_MS = 240_000;
const LOOK_MS = 250;

/** Resolves with what `look` found. TIMEOUT when it found nothing in time; CANCELLED. */
export async function waitFor<Found>(signal: AbortSignal, wait: Wait<Found>): Promise<Found> {
  const { otherwise, look, patienceMs = PATIENCE_MS } = wait;
  for (const until = performance.now() + patienceMs; ; await sleep(LOOK_MS, undefined, { signal })) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > until)
      throw new HoldfastError("TIMEOUT", {
        message: typeof otherwise === "string" ? otherwise : otherwise(),
        remedy: "See the logs.",
      });
  }
}
