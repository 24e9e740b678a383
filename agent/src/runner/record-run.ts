import type { RunKind } from "@holdfast/protocol";
import { asHoldfastError, type HoldfastError } from "../errors.ts";
import type { Repository } from "../repository/marker.ts";
import type { ItemRuns } from "./context.ts";
import { beginRun, newRun, writeRun } from "./ledger.ts";
import type { EndedRecord, RunError } from "./run-record.ts";
import type { ProofResult } from "./telling/port.ts";

export type RunWork<T> = {
  value: T;
  /** One sentence for the ledger. */
  outcome: string;
  proof?: ProofResult;
};

type Runs = Pick<ItemRuns, "ledger" | "item" | "now" | "telling" | "commandId" | "scheduled" | "reason" | "onRun">;
type About = { kind: RunKind; subject?: string; repository: Repository; reason?: string };

/**
 * Runs `work` with a record of its beginning and of its end in the ledger, and tells of both and of what it changed.
 * Throws what `work` throws, as a HoldfastError; a run whose end cannot be recorded or told throws that, because
 * nobody would learn of it. SPOOL_FULL: nothing was begun.
 */
export async function recordRun<T>(
  runs: Runs,
  { repository, reason, ...about }: About,
  work: (runId: string) => Promise<RunWork<T>>,
): Promise<T> {
  const { ledger, item, now, telling, onRun, commandId, scheduled } = runs;
  const running = newRun({ ...about, item, repositoryId: repository.repositoryId, commandId, scheduled }, now());
  const tellable = { record: running, repository, reason: runs.reason ?? reason ?? null };
  telling.begin(tellable);
  const end = async (record: EndedRecord, proof: ProofResult | null): Promise<void> => {
    // Who listens learns of the end also when the ledger's disk is full.
    await writeRun(ledger, record).finally(() => telling.end(tellable, record, proof));
    await onRun?.(record);
  };
  let done: RunWork<T>;
  try {
    await beginRun(ledger, running);
    await onRun?.(running);
    done = await work(running.run_id);
  } catch (cause) {
    const error = asHoldfastError(cause, `${about.kind} of ${item}`);
    const state = error.code === "CANCELLED" ? "cancelled" : "failed";
    await end({ ...running, state, ended_at: now().toISOString(), error: runErrorOf(error) }, null);
    throw error;
  }
  const outcome = done.outcome.slice(0, 4000);
  await end({ ...running, state: "completed", ended_at: now().toISOString(), outcome }, done.proof ?? null);
  return done.value;
}

function runErrorOf({ code, message, remedy }: HoldfastError): RunError {
  return { code, message: message.slice(0, 4000), remedy: remedy?.slice(0, 4000) ?? null };
}
