/** Takes back what was written of times that have not come: by a clock that was ahead, this controller's or a host's. */
import { and, eq, gt } from "drizzle-orm";
import { expectedThrough } from "../../domain/ledger/write.ts";
import { findAgent } from "../../store/agents.ts";
import type { Db } from "../../store/db.ts";
import type { ControlContext } from "../control/context.ts";
import { missing, observeMissed } from "./observe-missed.ts";
import { type JobKey, type JobRow, jobName, jobsOf, putJobs } from "./rows.ts";

type TakeBackContext = Pick<ControlContext, "store" | "now"> & { presence: Pick<ControlContext["presence"], "of"> };

/** A host that ran no further ahead takes that for run; one that did runs again what it ran too early. */
const AHEAD_MS = 3_600_000;

/**
 * Otherwise a run that was missed, made up for or even made by a wrong clock would stand there when it is due, and nobody
 * would miss it. What a host runs early because its clock is ahead now too stays.
 */
export async function takeBack({ store, now, presence }: TakeBackContext): Promise<void> {
  const at = now();
  const far = new Date(at.getTime() + AHEAD_MS);
  const ahead = await store.read((db) => jobsAhead(db, far));
  for (const [agentId, keys] of Map.groupBy(ahead, (key) => key.agentId)) {
    const agent = await store.read((db) => findAgent(db, agentId));
    const offsetMs = Math.max(0, presence.of(agentId)?.clockOffsetMs ?? agent?.clockOffsetMs ?? 0);
    const wrong = keys.filter(({ last }) => last > far.getTime() + offsetMs);
    const reached = new Date(at.getTime() + offsetMs);
    if (wrong.length > 0) await store.write((db) => takeBackOf(db, agentId, new Set(wrong.map(jobName)), reached, at));
  }
}

/** `last`: the furthest that stands there. */
async function jobsAhead(db: Db, far: Date): Promise<(JobKey & { last: number })[]> {
  const { expectedRuns: e } = db.tables;
  const { agentId, subjectId, task, dueAt } = e;
  const rows = await db.select({ agentId, subjectId, task, dueAt }).from(e).where(gt(dueAt, far));
  return [...Map.groupBy(rows, jobName).values()].flatMap((ofJob) => {
    const [first] = ofJob;
    return first === undefined ? [] : { ...first, last: Math.max(...ofJob.map((row) => row.dueAt.getTime())) };
  });
}

async function takeBackOf(
  db: Db,
  agentId: string,
  names: ReadonlySet<string>,
  reached: Date,
  now: Date,
): Promise<void> {
  const { expectedRuns: e } = db.tables;
  const jobs = (await jobsOf(db, [agentId])).filter((job) => names.has(jobName(job)));
  for (const { subjectId, task } of jobs) {
    const ofJob = and(eq(e.agentId, agentId), eq(e.subjectId, subjectId), eq(e.task, task));
    await db
      .delete(e)
      .where(and(ofJob, gt(e.dueAt, reached)))
      .execute();
  }
  const going = jobs.filter((job) => job.endedAt === null);
  await putJobs(
    db,
    going.filter((job) => job.expectedThrough > reached).map((job) => writtenThrough(job, reached)),
  );
  await observeMissed(
    db,
    await missing(
      db,
      going.filter(({ subjectKind }) => subjectKind === "item"),
    ),
    now,
  );
}

function writtenThrough(job: JobRow, through: Date): JobRow {
  const { nextDueAt } = expectedThrough({ ...job, expectedThrough: through }, { through, limit: 1 });
  return { ...job, expectedThrough: through, nextDueAt };
}
