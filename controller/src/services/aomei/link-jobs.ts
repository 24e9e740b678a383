import { eq } from "drizzle-orm";
import type { Caller } from "../../domain/access.ts";
import { matchingRun } from "../../domain/aomei/match.ts";
import { joined, type Run } from "../../domain/aomei/run.ts";
import { ControllerError } from "../../errors.ts";
import { putRows } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { recordAudit } from "../audit/record.ts";
import type { ServiceContext } from "../context.ts";
import { findJob } from "./find-job.ts";
import { settleCopies, settledJob } from "./settle.ts";
import type { CopyKey, JobRow } from "./work.ts";

/**
 * Says that a script's job and a host's task are one: from now on both ids mean it, and runs of which both told become
 * one. It cannot be undone. JOB_NOT_FOUND, CONFLICT.
 */
export async function linkJobs(
  { store, now }: ServiceContext,
  caller: Caller,
  jobId: number,
  taskJobId: number,
): Promise<JobRow> {
  const at = now();
  return await store.write(async (db) => {
    const one = await findJob(db, caller.actor, jobId);
    const other = await findJob(db, caller.actor, taskJobId);
    const { job, task } = roles(one, other);
    await moveRuns(db, job, task);
    const linked = await writeLink(db, job, task, at);
    const details = { task_job_id: task.jobId, agent_id: task.agentId, task_guid: task.taskGuid };
    const subject = String(job.jobId);
    await recordAudit(db, caller, { action: "aomei.change", subject, outcome: "done", details }, at);
    return linked;
  });
}

/** The script's job is the one that stays: its id stands in a script. */
function roles(one: JobRow, other: JobRow): { job: JobRow; task: JobRow } {
  const [job, task] = one.namedAt === null ? [one, other] : [other, one];
  const message =
    one.jobId === other.jobId
      ? "these two are one job already"
      : task.namedAt === null
        ? "neither of them is a task of which a host's log tells"
        : job.namedAt !== null
          ? "both are tasks of which a log tells: they are not the same one"
          : job.agentId !== null && job.agentId !== task.agentId
            ? "they belong to two hosts"
            : null;
  if (message !== null) throw new ControllerError("CONFLICT", { message });
  return { job, task };
}

async function moveRuns(db: Db, job: JobRow, task: JobRow): Promise<void> {
  const { aomeiRuns, aomeiReports } = db.tables;
  const told = await db.select().from(aomeiRuns).where(eq(aomeiRuns.jobId, job.jobId));
  const logged = await db.select().from(aomeiRuns).where(eq(aomeiRuns.jobId, task.jobId)).orderBy(aomeiRuns.occurredAt);
  const open = new Map(told.map((run) => [run.runId, run]));
  const moved: Run[] = [];
  for (const run of logged) {
    const own = { ...run, jobId: job.jobId };
    const same = matchingRun(near(open, own), own, "agent");
    moved.push(same === undefined ? own : joined(same, own));
    if (same === undefined) continue;
    open.delete(same.runId);
    await db.update(aomeiReports).set({ runId: same.runId }).where(eq(aomeiReports.runId, run.runId));
    await db.delete(aomeiRuns).where(eq(aomeiRuns.runId, run.runId));
  }
  await putRows(db, aomeiRuns, [aomeiRuns.runId], moved);
}

function near(open: ReadonlyMap<string, Run>, { occurredAt }: Run): Run[] {
  const hour = 3_600_000;
  return [...open.values()].filter((run) => Math.abs(run.occurredAt.getTime() - occurredAt.getTime()) < hour);
}

async function writeLink(db: Db, job: JobRow, task: JobRow, at: Date): Promise<JobRow> {
  const { aomeiJobs, aomeiJobNames, aomeiReports, aomeiImages, aomeiCopies, aomeiRuns } = db.tables;
  const { jobId } = job;
  for (const table of [aomeiReports, aomeiImages, aomeiJobNames])
    await db.update(table).set({ jobId }).where(eq(table.jobId, task.jobId));
  await db.delete(aomeiCopies).where(eq(aomeiCopies.jobId, task.jobId));
  const gone = { mergedInto: jobId, taskGuid: null, isActive: false, updatedAt: at };
  await db.update(aomeiJobs).set(gone).where(eq(aomeiJobs.jobId, task.jobId));
  await db.update(aomeiJobs).set({ mergedInto: jobId }).where(eq(aomeiJobs.mergedInto, task.jobId));
  const { copyType, media } = aomeiRuns;
  const found = await db.selectDistinct({ copyType, media }).from(aomeiRuns).where(eq(aomeiRuns.jobId, jobId));
  await db.delete(aomeiCopies).where(eq(aomeiCopies.jobId, jobId));
  const copies: CopyKey[] = found.map((copy) => ({ jobId, ...copy }));
  // The second time all of them are known, which decides where runs of unknown medium lie.
  for (const _ of ["first", "second"]) await settleCopies(db, copies);
  const { agentId, taskGuid, taskName, namedAt } = task;
  const linked = await settledJob(db, { ...job, agentId, taskGuid, taskName, namedAt, updatedAt: at });
  await db.update(aomeiJobs).set(linked).where(eq(aomeiJobs.jobId, jobId));
  return linked;
}
