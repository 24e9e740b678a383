import { and, asc, isNull, lte } from "drizzle-orm";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import { maintenanceOf } from "./closed.ts";
import { type JobRow, putJobs } from "./rows.ts";
import { writeJob } from "./write-job.ts";

/** What is due so soon is written down before it is. */
const AHEAD_MS = 60_000;
/** No run begins later than a day after it was due. */
const LONGEST_JITTER_MS = 86_400_000;
const JOBS_AT_ONCE = 50;
const ROWS_AT_ONCE = 200;

/** Writes down the runs that are about to be due, and those that fell due while nobody wrote. */
export async function writeExpected({ store, now }: ServiceContext, signal?: AbortSignal): Promise<void> {
  const at = now();
  const through = new Date(at.getTime() + AHEAD_MS);
  while (signal?.aborted !== true) {
    if ((await store.read((db) => dueJobs(db, through))).length === 0) return;
    await store.write((db) => writeSome(db, through, at));
  }
}

async function writeSome(db: Db, through: Date, now: Date): Promise<void> {
  const jobs = await dueJobs(db, through);
  const maintenance = await maintenanceOf(
    db,
    jobs.map(({ agentId }) => agentId),
    now,
  );
  const written: JobRow[] = [];
  let room = ROWS_AT_ONCE;
  for (const job of jobs) {
    if (room <= 0) break;
    const closed = maintenance.closed(job, job.expectedThrough, new Date(through.getTime() + LONGEST_JITTER_MS));
    const { job: after, dues } = await writeJob(db, job, { through, limit: room, closed, now });
    written.push(after);
    room -= dues;
  }
  await putJobs(db, written);
}

async function dueJobs(db: Db, through: Date): Promise<JobRow[]> {
  const { jobs: j } = db.tables;
  return await db
    .select()
    .from(j)
    .where(and(isNull(j.endedAt), lte(j.nextDueAt, through)))
    .orderBy(asc(j.nextDueAt))
    .limit(JOBS_AT_ONCE);
}
