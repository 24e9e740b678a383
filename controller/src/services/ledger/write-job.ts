import { and, gte, inArray, lte } from "drizzle-orm";
import { type ExpectedQuestion, expectedThrough, type NewExpected } from "../../domain/ledger/write.ts";
import type { Db } from "../../store/db.ts";
import { type ExpectedRow, type JobRow, jobName, putExpected, putJobs } from "./rows.ts";

/** What a job is expected to run, worked out from the calendar, which takes longer than writing it down. */
export type Planned = { job: JobRow; rows: readonly NewExpected[]; after: JobRow };

export function planJob(job: JobRow, question: ExpectedQuestion): Planned {
  const { rows, ...reached } = expectedThrough(job, question);
  return { job, rows, after: { ...job, ...reached } };
}

/**
 * Writes down what is expected of jobs, and how far that reaches. What is there stays, but for what an older plan expected
 * at the same time and was withdrawn.
 */
export async function writePlanned(db: Db, planned: readonly Planned[], now: Date): Promise<void> {
  const all = planned.flatMap(({ job, rows }) => rows.map((row) => rowOf(job, row, now)));
  const kept = new Set((await knownOf(db, all)).filter(({ state }) => state !== "withdrawn").map(dueName));
  await putExpected(
    db,
    all.filter((row) => !kept.has(dueName(row))),
  );
  await putJobs(
    db,
    planned.map(({ after }) => after),
  );
}

/** What of these hosts is there at these times. */
async function knownOf(db: Db, rows: readonly ExpectedRow[]): Promise<ExpectedRow[]> {
  if (rows.length === 0) return [];
  const { expectedRuns: e } = db.tables;
  const times = rows.map(({ dueAt }) => dueAt.getTime());
  const [first, last] = [new Date(Math.min(...times)), new Date(Math.max(...times))];
  const agentIds = [...new Set(rows.map(({ agentId }) => agentId))];
  return await db
    .select()
    .from(e)
    .where(and(inArray(e.agentId, agentIds), gte(e.dueAt, first), lte(e.dueAt, last)));
}

function dueName(row: ExpectedRow): string {
  return `${jobName(row)} ${row.dueAt.getTime()}`;
}

function rowOf(job: JobRow, expected: NewExpected, now: Date): ExpectedRow {
  const { agentId, subjectId, task, subjectKind, policyId, policyVersion } = job;
  return {
    ...{ agentId, subjectId, task, subjectKind, policyId, policyVersion, ...expected },
    ...{ runId: null, runState: null, attempt: null, writtenAt: now },
    settledAt: expected.state === "skipped" ? now : null,
  };
}
