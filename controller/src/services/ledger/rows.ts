/** The rows that the ledger works on. */
import { and, eq, gte, inArray, lte } from "drizzle-orm";
import { putRows } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";

export type ExpectedRow = Db["tables"]["expectedRuns"]["$inferSelect"];
export type JobRow = Db["tables"]["jobs"]["$inferSelect"];
export type JobKey = Pick<JobRow, "agentId" | "subjectId" | "task">;

/** Whole rows: where one with the same key stands it is replaced. */
export async function putExpected(db: Db, rows: readonly ExpectedRow[]): Promise<void> {
  const { expectedRuns: e } = db.tables;
  await putRows(db, e, [e.agentId, e.subjectId, e.task, e.dueAt], rows);
}

export async function putJobs(db: Db, rows: readonly JobRow[]): Promise<void> {
  const { jobs: j } = db.tables;
  await putRows(db, j, [j.agentId, j.subjectId, j.task], rows);
}

/** What of a job is due from one time to another, both included. */
export async function expectedBetween(db: Db, job: JobKey, from: Date, until: Date): Promise<ExpectedRow[]> {
  const { expectedRuns: e } = db.tables;
  const ofJob = and(eq(e.agentId, job.agentId), eq(e.subjectId, job.subjectId), eq(e.task, job.task));
  return await db
    .select()
    .from(e)
    .where(and(ofJob, gte(e.dueAt, from), lte(e.dueAt, until)));
}

/** All jobs of these agents, ended ones too. */
export async function jobsOf(db: Db, agentIds: Iterable<string>): Promise<JobRow[]> {
  const { jobs: j } = db.tables;
  return await db
    .select()
    .from(j)
    .where(inArray(j.agentId, [...agentIds]));
}

export function jobName({ agentId, subjectId, task }: JobKey): string {
  return `${agentId} ${task} ${subjectId}`;
}
