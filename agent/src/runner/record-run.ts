import { asHoldfastError, type HoldfastError } from "../errors.ts";
import { beginRun, writeRun } from "./ledger.ts";
import type { RunError, RunKind } from "./run-record.ts";

export type RunWork<T> = { value: T /** One sentence for the ledger. */; outcome: string };

/**
 * Runs `work` with a record of its beginning and of its end in the ledger. Throws what `work` throws, as a
 * HoldfastError; a run whose end cannot be recorded throws that, because nobody would learn of it.
 */
export async function recordRun<T>(
  ledger: string,
  about: { kind: RunKind; item: string; subject?: string; now: () => Date },
  work: (runId: string) => Promise<RunWork<T>>,
): Promise<T> {
  const { now, ...facts } = about;
  const running = await beginRun(ledger, { ...facts, at: now() });
  let done: RunWork<T>;
  try {
    done = await work(running.run_id);
  } catch (cause) {
    const error = asHoldfastError(cause, `${about.kind} of ${about.item}`);
    const state = error.code === "CANCELLED" ? "cancelled" : "failed";
    await writeRun(ledger, { ...running, state, ended_at: now().toISOString(), error: runErrorOf(error) });
    throw error;
  }
  const outcome = done.outcome.slice(0, 4000);
  await writeRun(ledger, { ...running, state: "completed", ended_at: now().toISOString(), outcome });
  return done.value;
}

function runErrorOf({ code, message, remedy }: HoldfastError): RunError {
  return { code, message: message.slice(0, 4000), remedy: remedy?.slice(0, 4000) ?? null };
}
