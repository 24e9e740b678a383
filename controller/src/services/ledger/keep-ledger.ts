import type { ControlContext } from "../control/context.ts";
import { runProjection } from "../projection/run-projection.ts";
import { ledgerProjection } from "./projection.ts";
import { type SettleContext, settleDue, type Watched } from "./settle-due.ts";
import { endJobsOfRevoked } from "./sync-jobs.ts";
import { takeBack } from "./take-back.ts";
import { writeExpected } from "./write-expected.ts";

/**
 * Brings the ledger up to this moment; call it every few seconds. In this order: nothing is missed of which an agent has
 * told already.
 */
export async function keepLedger(
  context: SettleContext & Pick<ControlContext, "presence">,
  watched: Watched,
  signal?: AbortSignal,
): Promise<void> {
  const { store, now } = context;
  watched.inStep.look(now());
  while (signal?.aborted !== true && (await runProjection(store, ledgerProjection, now())) > 0);
  await endJobsOfRevoked(store, now());
  await takeBack(context);
  await writeExpected(context, signal);
  await watched.busy.look(store, now());
  await settleDue(context, watched, signal);
}
