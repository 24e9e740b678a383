/** What agents told of single dues, taken into the ledger. */
import { settleTold, type Told } from "../../domain/ledger/settle.ts";
import type { Db } from "../../store/db.ts";
import { maintenanceOf } from "./closed.ts";
import {
  type ExpectedRow,
  expectedBetween,
  type JobKey,
  type JobRow,
  jobName,
  jobsOf,
  putExpected,
  putJobs,
} from "./rows.ts";
import { writeJob } from "./write-job.ts";

/** `since`: the oldest due of which the same is told. */
export type DueTold = JobKey & { dueAt: Date; since: Date | null } & { told: Exclude<Told, { madeUpBy: string }> };

/** More of one job than this were due in no time that an agent can still tell of at once. */
const MOST_ROWS = 5000;

/**
 * Settles what is told. A due that no plan here has is a run like any other. Answers the rows that changed, as they are.
 */
export async function tellDue(db: Db, told: readonly DueTold[], now: Date): Promise<ExpectedRow[]> {
  if (told.length === 0) return [];
  const jobs = new Map(
    (await jobsOf(db, new Set(told.map(({ agentId }) => agentId)))).map((job) => [jobName(job), job]),
  );
  const changed: ExpectedRow[] = [];
  for (const [name, some] of Map.groupBy(told, jobName)) {
    const job = jobs.get(name);
    if (job !== undefined) changed.push(...(await tellJob(db, job, some, now)));
  }
  await putExpected(db, changed);
  return changed;
}

async function tellJob(db: Db, job: JobRow, told: readonly DueTold[], now: Date): Promise<ExpectedRow[]> {
  const times = told.flatMap(({ dueAt, since }) => [dueAt.getTime(), (since ?? dueAt).getTime()]);
  const [first, last] = [new Date(Math.min(...times)), new Date(Math.max(...times))];
  await catchUp(db, job, last, now);
  const rows = new Map((await expectedBetween(db, job, first, last)).map((row) => [row.dueAt.getTime(), row]));
  const changed = new Set<number>();
  const isQuiet = await quietTimes(db, job, told, now);
  const settle = (row: ExpectedRow, what: Told): void => {
    const after = settleTold(row, "missed" in what && isQuiet(row) ? { skipped: "maintenance" } : what, now);
    if (after === null) return;
    rows.set(row.dueAt.getTime(), { ...row, ...after });
    changed.add(row.dueAt.getTime());
  };
  for (const { dueAt, since, told: what } of told) {
    const own = rows.get(dueAt.getTime());
    if (own !== undefined) settle(own, what);
    if (since === null) continue;
    const others = [...rows.values()].filter((row) => row.dueAt >= since && row.dueAt < dueAt);
    for (const row of others) settle(row, "run" in what ? { madeUpBy: what.run.runId } : what);
  }
  return [...changed].flatMap((at) => rows.get(at) ?? []);
}

/** Whether a due was one of maintenance, or it is now; asked only where something was missed. */
async function quietTimes(db: Db, { agentId }: JobRow, told: readonly DueTold[], now: Date) {
  if (!told.some((one) => "missed" in one.told)) return () => false;
  const maintenance = await maintenanceOf(db, [agentId], now);
  return (row: ExpectedRow): boolean => maintenance.isIn(row, row.startsAt) || maintenance.isIn(row, now);
}

/** A host's clock may be ahead of this one, and this controller may have been away. */
async function catchUp(db: Db, job: JobRow, through: Date, now: Date): Promise<void> {
  if (job.endedAt !== null || job.expectedThrough >= through) return;
  const maintenance = await maintenanceOf(db, [job.agentId], now);
  const closed = maintenance.closed(job, job.expectedThrough, new Date(through.getTime() + 86_400_000));
  const written = await writeJob(db, job, { through, limit: MOST_ROWS, closed, now });
  await putJobs(db, [written.job]);
}
