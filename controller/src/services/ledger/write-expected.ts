import { isDeepStrictEqual } from "node:util";
import { and, asc, isNull, lte } from "drizzle-orm";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import { maintenanceOf } from "./closed.ts";
import { type JobRow, jobName, jobsOf } from "./rows.ts";
import { type Planned, planJob, writePlanned } from "./write-job.ts";

/** What is due so soon is written down before it is. */
const AHEAD_MS = 60_000;
/** No run begins later than a day after it was due. */
const LONGEST_JITTER_MS = 86_400_000;
const JOBS_AT_ONCE = 20;
const ROWS_AT_ONCE = 200;

/** Writes down the runs that are about to be due, and those that fell due while nobody wrote. */
export async function writeExpected({ store, now }: ServiceContext, signal?: AbortSignal): Promise<void> {
  const at = now();
  const through = new Date(at.getTime() + AHEAD_MS);
  while (signal?.aborted !== true) {
    const planned = await store.read((db) => planSome(db, through, at));
    if (planned.length === 0) return;
    await store.write(async (db) => {
      // Another may have been here meanwhile, or the plan have changed.
      const jobs = new Map(
        (await jobsOf(db, new Set(planned.map(({ job }) => job.agentId)))).map((job) => [jobName(job), job]),
      );
      const still = planned.filter(({ job }) => isDeepStrictEqual(jobs.get(jobName(job)), job));
      await writePlanned(db, still, at);
    });
  }
}

async function planSome(db: Db, through: Date, now: Date): Promise<Planned[]> {
  const jobs = await dueJobs(db, through);
  const maintenance = await maintenanceOf(
    db,
    jobs.map(({ agentId }) => agentId),
    now,
  );
  const until = new Date(through.getTime() + LONGEST_JITTER_MS);
  const planned: Planned[] = [];
  for (let room = ROWS_AT_ONCE; room > 0; room -= planned.at(-1)?.rows.length ?? 0) {
    const job = jobs[planned.length];
    if (job === undefined) break;
    const closed = maintenance.closed(job, job.expectedThrough, until);
    planned.push(planJob(job, { through, limit: room, closed }));
  }
  return planned;
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
