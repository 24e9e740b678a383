import type { ClosedSpan } from "@holdfast/protocol";
import { expectedThrough, type NewExpected } from "../../domain/ledger/write.ts";
import type { Db } from "../../store/db.ts";
import { type ExpectedRow, expectedBetween, type JobRow, putExpected } from "./rows.ts";

export type WriteJob = { through: Date; limit: number; closed: readonly ClosedSpan[]; now: Date };

/**
 * Writes down what is due of a job up to `through`; answers the job as it is then, which the caller writes, and how many
 * runs were due. What is there stays, but for what an older plan expected at the same time and was withdrawn.
 */
export async function writeJob(
  db: Db,
  job: JobRow,
  { through, limit, closed, now }: WriteJob,
): Promise<{ job: JobRow; dues: number }> {
  const { rows, ...reached } = expectedThrough(job, { through, limit, closed });
  const [first] = rows;
  const last = rows.at(-1);
  if (first !== undefined && last !== undefined) {
    const known = await expectedBetween(db, job, first.dueAt, last.dueAt);
    const kept = new Set(known.filter(({ state }) => state !== "withdrawn").map(({ dueAt }) => dueAt.getTime()));
    const fresh = rows.filter(({ dueAt }) => !kept.has(dueAt.getTime()));
    await putExpected(
      db,
      fresh.map((row) => rowOf(job, row, now)),
    );
  }
  return { job: { ...job, ...reached }, dues: rows.length };
}

function rowOf(job: JobRow, expected: NewExpected, now: Date): ExpectedRow {
  const { agentId, subjectId, task, subjectKind, policyId, policyVersion } = job;
  return {
    ...{ agentId, subjectId, task, subjectKind, policyId, policyVersion, ...expected },
    ...{ runId: null, runState: null, attempt: null, writtenAt: now },
    settledAt: expected.state === "skipped" ? now : null,
  };
}
