import { runProjection } from "../projection/run-projection.ts";
import type { InStep } from "./in-step.ts";
import { ledgerProjection } from "./projection.ts";
import { type SettleContext, settleDue } from "./settle-due.ts";
import { endJobsOfRevoked } from "./sync-jobs.ts";
import { writeExpected } from "./write-expected.ts";

/**
 * Brings the ledger up to this moment; call it every few seconds. In this order: nothing is missed of which an agent has
 * told already.
 */
export async function keepLedger(context: SettleContext, inStep: InStep, signal?: AbortSignal): Promise<void> {
  const { store, now } = context;
  inStep.look(now());
  while (signal?.aborted !== true && (await runProjection(store, ledgerProjection, now())) > 0);
  await endJobsOfRevoked(store, now());
  await writeExpected(context, signal);
  await settleDue(context, inStep, signal);
}
