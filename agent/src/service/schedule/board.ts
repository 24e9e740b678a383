/** The jobs of this host with where they stand: what is planned comes in, what is noted goes out. */
import { isDeepStrictEqual } from "node:util";
import type { HostPlan } from "@holdfast/protocol";
import type { RunRecord } from "../../runner/run-record.ts";
import { type Job, jobsOf } from "../../schedule/job.ts";
import type { Notebook, NotedJob } from "../../schedule/notebook.ts";
import { type Attempt, idleSince, type JobEffect, type JobEvent, type JobState } from "../../schedule/state.ts";
import type { Log } from "../log.ts";
import { foundRun, newestDue } from "./found-runs.ts";
import type { TaskSignals } from "./run-task.ts";

export type Skip = Extract<JobEffect, { type: "skip" }>;

export type SchedulerPorts = {
  notebook: Notebook;
  now: () => Date;
  log: Log;
  /** In [0, 1). */
  random: () => number;
  /** Tells dues for which nothing is run. Throws what the spool throws; then it is asked again. */
  skip: (skips: readonly { job: Job; skip: Skip }[]) => void;
  /** A run has ended: what comes next may come sooner than `tick` said. */
  wake: () => void;
  /** `nothing`: there was nothing to do. */
  run: (job: Job, attempt: Attempt, signals: TaskSignals) => Promise<"done" | "nothing">;
};

export type Entry = {
  job: Job;
  state: JobState;
  /** What has happened and is not noted yet. */
  events: JobEvent[];
  /** Nothing comes before that by itself, in ms. */
  wakeAt: number;
  /** Its run, while it waits for its turn or goes on. */
  run: { abort: AbortController; begun: boolean; done: Promise<void> } | null;
  /** No longer planned: forgotten once its run has ended. */
  isGone: boolean;
};

export type Board = {
  ports: SchedulerPorts;
  entries: Map<string, Entry>;
  /** What earlier processes noted of jobs that were not planned yet. */
  noted: Map<string, NotedJob>;
  /** The ledger as it was at the start. */
  runs: readonly RunRecord[];
  isFirstPlan: boolean;
  draining: boolean;
};

/** Takes in what is planned from now on, and forgets the rest. Throws what noting it throws. */
export function planJobs(board: Board, plans: readonly HostPlan[]): void {
  const { ports, entries, noted } = board;
  const jobs = jobsOf(plans);
  const unknown = jobs.filter(({ id }) => !entries.has(id));
  const changed = jobs.flatMap((job) => enter(board, job) ?? []);
  board.isFirstPlan = false;
  for (const { id } of unknown) askForLostProofs(board, entries.get(id));
  const planned = new Set(jobs.map(({ id }) => id));
  for (const [id, entry] of entries) if (!planned.has(id)) entry.isGone = true;
  const gone = [...entries.values()].filter((entry) => entry.isGone && entry.run === null).map(({ job }) => job.id);
  for (const id of gone) entries.delete(id);
  ports.notebook.forget([...gone, ...noted.keys()]);
  noted.clear();
  ports.notebook.put(changed.map((entry) => noteOf(entry)));
}

/** The entry when it stands otherwise than it is noted; null: as it was. */
function enter({ ports, entries, noted, runs, isFirstPlan }: Board, job: Job): Entry | null {
  const now = ports.now();
  const known = entries.get(job.id);
  if (known !== undefined) {
    known.isGone = false;
    if (isDeepStrictEqual(known.job, job)) return null;
    const state = rescheduled(known.state, isSame(known.job.plan.schedule, job), now);
    return Object.assign(known, { job, state, wakeAt: Number.NEGATIVE_INFINITY });
  }
  const note = noted.get(job.id);
  noted.delete(job.id);
  const lost = isFirstPlan && ports.notebook.isNew ? newestDue(runs, job.id) : null;
  const state = note === undefined ? idleSince(lost ?? now) : rescheduled(note.state, isSame(note.schedule, job), now);
  const events: JobEvent[] =
    state.kind === "running" ? [{ type: "found", run: foundRun(runs, job.id, state), random: ports.random() }] : [];
  const entry: Entry = { job, state, events, wakeAt: Number.NEGATIVE_INFINITY, run: null, isGone: false };
  entries.set(job.id, entry);
  return entry;
}

/** The process ended after the backup's record said that it was made, and before its proofs were asked for. */
function askForLostProofs({ entries }: Board, entry: Entry | undefined): void {
  if (entry?.state.kind !== "running") return;
  if (entry.events.some((event) => event.type === "found" && event.run === "done"))
    askForProofs(entries, entry.job, entry.state.due);
}

/** The backup of that due was made: what a plan has proven after it is due as well. */
export function askForProofs(entries: Board["entries"], by: Job, due: Date): void {
  for (const { job, events } of entries.values()) {
    const isProof = by.task === "backup" && job.task !== "backup";
    if (isProof && job.item === by.item && job.plan.after_backup && job.policyId === by.policyId)
      events.push({ type: "asked", due });
  }
}

function isSame(schedule: NotedJob["schedule"], { plan }: Job): boolean {
  return isDeepStrictEqual(schedule, plan.schedule);
}

/** By another schedule nothing of the past is due. */
function rescheduled(state: JobState, same: boolean, now: Date): JobState {
  return same || state.settledThrough > now ? state : { ...state, settledThrough: now };
}

export function noteOf({ job, state: known }: Entry, state: JobState = known): NotedJob {
  const { id, policyId, policyVersion, plan } = job;
  return { id, policyId, policyVersion, schedule: plan.schedule, state };
}
