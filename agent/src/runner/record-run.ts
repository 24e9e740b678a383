import type { RunKind } from "@holdfast/protocol";
import { asHoldfastError, type HoldfastError } from "../errors.ts";
import type { ItemRuns } from "./context.ts";
import { beginRun, writeRun } from "./ledger.ts";
import type { RunError, RunRecord } from "./run-record.ts";

export type RunWork<T> = { value: T /** One sentence for the ledger. */; outcome: string };

/**
 * Runs `work` with a record of its beginning and of its end in the ledger, and tells of both. Throws what `work`
 * throws, as a HoldfastError; a run whose end cannot be recorded or told throws that, because nobody would learn of it.
 */
export async function recordRun<T>(
  runs: Pick<ItemRuns, "ledger" | "item" | "now" | "onRun">,
  about: { kind: RunKind; subject?: string },
  work: (runId: string) => Promise<RunWork<T>>,
): Promise<T> {
  const { ledger, item, now, onRun } = runs;
  const running = await beginRun(ledger, { ...about, item, at: now() });
  const end = async (record: RunRecord): Promise<void> => {
    await writeRun(ledger, record);
    await onRun?.(record);
  };
  let done: RunWork<T>;
  try {
    await onRun?.(running);
    done = await work(running.run_id);
  } catch (cause) {
    const error = asHoldfastError(cause, `${about.kind} of ${item}`);
    const state = error.code === "CANCELLED" ? "cancelled" : "failed";
    await end({ ...running, state, ended_at: now().toISOString(), error: runErrorOf(error) });
    throw error;
  }
  const outcome = done.outcome.slice(0, 4000);
  await end({ ...running, state: "completed", ended_at: now().toISOString(), outcome });
  return done.value;
}

function runErrorOf({ code, message, remedy }: HoldfastError): RunError {
  return { code, message: message.slice(0, 4000), remedy: remedy?.slice(0, 4000) ?? null };
}
