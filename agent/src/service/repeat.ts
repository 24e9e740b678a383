import { setTimeout as sleep } from "node:timers/promises";
import { asHoldfastError } from "../errors.ts";
import type { Log } from "./log.ts";

/** Does `work` again and again, `ms` after it last ended, until the signal; what it throws is logged. Never rejects. */
export async function repeat(ms: number, signal: AbortSignal, log: Log, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      await sleep(ms, undefined, { signal });
      await work();
    } catch (error) {
      if (signal.aborted) return;
      log("error", asHoldfastError(error, "the service's own upkeep").message);
    }
  }
}
