/** What `status` says about the runs that are planned. */
import type { TaskName } from "@holdfast/protocol";
import { asHoldfastError } from "../errors.ts";
import { type Job, jobsOf } from "../schedule/job.ts";
import { type NotedJob, readNotebook } from "../schedule/notebook.ts";
import { nextDue } from "../schedule/ripe.ts";
import { timeText } from "./format.ts";
import type { HostConfig } from "./host-config.ts";
import { table } from "./table.ts";

export type PlannedRun = {
  vm_context_id: string;
  task: TaskName;
  policy_id: string;
  /** `retrying`: after a failure; `after_backup`: not by the clock. */
  state: "planned" | "running" | "retrying" | "after_backup";
  /** null: after the next backup, or nothing is ever due. */
  next_run_at: string | null;
  attempt: number | null;
};

/** The next run of each job, soonest first. What is wrong with the notebook is said as a warning. */
export function plannedRuns(
  { plans, state_dir }: HostConfig,
  now: Date,
  warn: (sentence: string) => void,
): PlannedRun[] {
  const noted = notedJobs(state_dir, warn);
  const runs = jobsOf(plans).map((job) => plannedRun(job, noted.get(job.id), now));
  const rank = ({ next_run_at }: PlannedRun): string => next_run_at ?? "9";
  return runs.toSorted((one, other) => (rank(one) < rank(other) ? -1 : rank(one) > rank(other) ? 1 : 0));
}

function notedJobs(stateDir: string, warn: (sentence: string) => void): Map<string, NotedJob> {
  try {
    return readNotebook(stateDir);
  } catch (error) {
    warn(`when jobs last ran is not known here: ${asHoldfastError(error, "reading the schedule").message}`);
    return new Map();
  }
}

function plannedRun(job: Job, noted: NotedJob | undefined, now: Date): PlannedRun {
  const about = { vm_context_id: job.item, task: job.task, policy_id: job.policyId, attempt: null };
  const state = noted?.state;
  if (state?.kind === "running") return { ...about, state: "running", next_run_at: null, attempt: state.attempt };
  if (state?.kind === "waiting")
    return { ...about, state: "retrying", next_run_at: state.retryAt.toISOString(), attempt: state.attempt };
  if (job.plan.schedule === null) return { ...about, state: "after_backup", next_run_at: null };
  const next = nextDue(job, state?.settledThrough ?? now, { open: true });
  return { ...about, state: "planned", next_run_at: next?.startsAt.toISOString() ?? null };
}

const WORDS = { planned: "planned", running: "runs now", retrying: "tries again", after_backup: "after each backup" };

export function plannedTable(runs: readonly PlannedRun[]): Promise<string> {
  const rows = runs.map(({ vm_context_id, task, state, next_run_at, attempt }) => [
    next_run_at === null ? "-" : timeText(next_run_at),
    task,
    vm_context_id,
    attempt !== null && attempt > 1 ? `${WORDS[state]}, attempt ${attempt}` : WORDS[state],
  ]);
  return table(["NEXT RUN", "WHAT", "ITEM", ""], rows);
}
