/** The schedule of the service: its notebook, its timer, and how its runs are told. */
import { setTimeout as sleep } from "node:timers/promises";
import type { EventBody, HostPlan } from "@holdfast/protocol";
import { asHoldfastError } from "../../errors.ts";
import { readLedger } from "../../runner/ledger.ts";
import type { Job } from "../../schedule/job.ts";
import { openNotebook } from "../../schedule/notebook.ts";
import type { Attempt } from "../../schedule/state.ts";
import type { SpoolEvent } from "../../spool/outbox.ts";
import type { Turns } from "../commands/turns.ts";
import type { ServiceHost } from "../service-host.ts";
import type { Work } from "../work.ts";
import type { SchedulerPorts } from "./board.ts";
import { runTask } from "./run-task.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";

/** A host that was suspended, or whose clock was set, is noticed within that. */
const LONGEST_SLEEP_MS = 30_000;

export type Schedule = Work & {
  /** Goes by the plans that are in force now. */
  replan(): void;
  /** Runs what is due until the signal; then closes the notebook. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
};

export async function openSchedule(host: ServiceHost, turns: Turns): Promise<Schedule> {
  const { stateDir, now, log, spool } = host;
  const notebook = openNotebook(stateDir, { now: now(), log });
  let poke = new AbortController();
  const ports: SchedulerPorts = {
    ...{ notebook, now, log, random: Math.random, wake: () => poke.abort() },
    skip: (skips) => spool.append(skips.map(({ job, skip }) => skippedEvent(job, skip, now()))),
    run: async (job, attempt, signals) => {
      const end = await runTask({ host, turns }, job, attempt, signals);
      if (end === "nothing") spool.append([skippedEvent(job, { ...attempt, reason: "nothing_to_prove" }, now())]);
      return end;
    },
  };
  const scheduler = createScheduler(ports, (await readLedger(host.ledger)).runs);
  return {
    ...{ drain: scheduler.drain, cancelAll: scheduler.cancelAll, idle: scheduler.idle },
    replan: () => {
      planSafely(host, scheduler, host.protected().plans);
      poke.abort();
    },
    run: async (signal) => {
      while (!signal.aborted) {
        poke = new AbortController();
        const next = tickSafely(host, scheduler);
        const ms = Math.min(LONGEST_SLEEP_MS, Math.max(0, (next ?? Number.POSITIVE_INFINITY) - now().getTime()));
        await sleep(ms, undefined, { signal: AbortSignal.any([signal, poke.signal]) }).catch(() => undefined);
      }
      notebook.close();
    },
  };
}

function planSafely({ log }: ServiceHost, scheduler: Scheduler, plans: readonly HostPlan[]): void {
  try {
    scheduler.plan(plans);
  } catch (error) {
    log("error", asHoldfastError(error, "noting what is planned").message);
  }
}

/** When to look again, in ms. */
function tickSafely({ log }: ServiceHost, scheduler: Scheduler): number | null {
  try {
    return scheduler.tick()?.getTime() ?? null;
  } catch (error) {
    log("error", asHoldfastError(error, "running what is due").message);
    return null;
  }
}

type Skipped = Pick<Attempt, "due" | "since"> & { reason: EventBody<"run_skipped">["reason"] };

function skippedEvent(job: Job, { due, since, reason }: Skipped, at: Date): SpoolEvent {
  const about = { policy_id: job.policyId, vm_context_id: job.item, task: job.task, reason };
  const times = { due_at: due.toISOString(), since: since?.toISOString() ?? null, at: at.toISOString() };
  return { kind: "run_skipped", body: { ...about, ...times } };
}
