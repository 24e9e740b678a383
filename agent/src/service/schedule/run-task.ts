/** Carries out one attempt of a job, as runs of the ledger. */
import type { ScheduledRun } from "@holdfast/protocol";
import { asHoldfastError } from "../../errors.ts";
import type { RunContext } from "../../runner/context.ts";
import { withItem } from "../../runner/item-lock.ts";
import type { RunRecord } from "../../runner/run-record.ts";
import type { Job } from "../../schedule/job.ts";
import type { Attempt } from "../../schedule/state.ts";
import type { Turns } from "../commands/turns.ts";
import { rulesOf, type ServiceHost } from "../service-host.ts";
import { backUp } from "./back-up.ts";
import { prove } from "./prove.ts";

export type TaskPorts = { host: ServiceHost; turns: Turns };

/** `begun`: said when its turn has come; until then it can be called off without a trace. */
export type TaskSignals = { signal: AbortSignal; begun: () => void };

/**
 * Resolves when it is done; `nothing`: there was nothing to do. Throws why it is not; what failed before it became a run
 * is said in the log and to the controller.
 */
export async function runTask(
  { host, turns }: TaskPorts,
  job: Job,
  attempt: Attempt,
  { signal, begun }: TaskSignals,
): Promise<"done" | "nothing"> {
  const told = { runs: 0 };
  const onRun = async ({ run_id, state }: RunRecord): Promise<void> => {
    if (state !== "running") {
      host.running.delete(run_id);
      return;
    }
    told.runs += 1;
    host.running.add(run_id);
  };
  try {
    using _turn = await turns.take(job.item, signal, "due");
    signal.throwIfAborted();
    begun();
    const purpose = `${job.task} by policy ${job.policyId}`;
    const work = job.task === "backup" ? backUp : prove;
    return await withItem(contextOf(host, { job, attempt, signal, onRun }), job.item, purpose, (runs) =>
      work(host, runs, job),
    );
  } catch (error) {
    const known = asHoldfastError(error, `${job.task} of ${job.item}`);
    if (told.runs === 0 && known.code !== "CANCELLED")
      host.warn(`the ${job.task} of ${job.item} that was due did not begin: ${known.message}`);
    throw known;
  }
}

type Wish = { job: Job; attempt: Attempt; signal: AbortSignal; onRun: NonNullable<RunContext["onRun"]> };

function contextOf(host: ServiceHost, { job, attempt, signal, onRun }: Wish): RunContext {
  const { ledger, now, warn, onProgress, teller } = host;
  const scheduled: ScheduledRun = {
    ...{ policy_id: job.policyId, policy_version: job.policyVersion, task: job.task },
    ...{ due_at: attempt.due.toISOString(), attempt: attempt.attempt, since: attempt.since?.toISOString() ?? null },
  };
  return {
    ...{ rules: rulesOf(host), ledger, signal, now, warn, onProgress, onRun, telling: teller },
    ...{ scheduled, reason: `policy ${job.policyId}` },
  };
}
