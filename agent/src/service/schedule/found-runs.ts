/** What the ledger of runs says about jobs, when the agent starts (pure). */
import type { RunRecord } from "../../runner/run-record.ts";
import { jobId } from "../../schedule/job.ts";
import type { Attempt, JobEvent } from "../../schedule/state.ts";

type Found = Extract<JobEvent, { type: "found" }>["run"];

/** What became of an attempt that is noted as running. A proof of several disks is only done when each says so: it goes on. */
export function foundRun(runs: readonly RunRecord[], id: string, { due, attempt }: Attempt): Found {
  const own = runs.filter(({ scheduled, item }) => scheduled !== undefined && jobId(item, scheduled.task) === id);
  const same = own.filter(
    ({ scheduled }) => Date.parse(scheduled?.due_at ?? "") === due.getTime() && scheduled?.attempt === attempt,
  );
  const [newest] = same;
  if (newest === undefined) return "none";
  if (newest.state === "completed") return newest.kind === "backup" ? "done" : "cancelled";
  return newest.state === "cancelled" ? "cancelled" : "failed";
}

/** The newest due that a run of the job was for; null when none is known. */
export function newestDue(runs: readonly RunRecord[], id: string): Date | null {
  const dues = runs.flatMap(({ item, scheduled }) =>
    scheduled !== undefined && jobId(item, scheduled.task) === id ? [Date.parse(scheduled.due_at)] : [],
  );
  return dues.length === 0 ? null : new Date(Math.max(...dues));
}
