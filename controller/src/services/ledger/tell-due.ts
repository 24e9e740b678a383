/** What agents told of single dues, taken into the ledger. */
import { and, eq } from "drizzle-orm";
import { nearestDue } from "../../domain/ledger/nearest-due.ts";
import { settleTold, type Told } from "../../domain/ledger/settle.ts";
import type { Db } from "../../store/db.ts";
import { maintenanceOf } from "./closed.ts";
import { type ExpectedRow, expectedBetween, type JobKey, type JobRow, jobName, jobsOf, putExpected } from "./rows.ts";
import { planJob, writePlanned } from "./write-job.ts";

/** `since`: the oldest due of which the same is told. `by`: the plan that a run was begun for. */
export type DueTold = JobKey & { dueAt: Date; since: Date | null; by?: { policyId: string; version: number } } & {
  told: Exclude<Told, { madeUpBy: string }>;
};

/** More of one job than this were due in no time that an agent can still tell of at once. */
const MOST_ROWS = 5000;

/**
 * Settles what is told. A due that no plan here has is a run like any other. Answers the rows that changed, as they are.
 */
export async function tellDue(db: Db, told: readonly DueTold[], now: Date): Promise<ExpectedRow[]> {
  const changed: ExpectedRow[] = [];
  for (const [agentId, some] of Map.groupBy(told, (one) => one.agentId)) {
    const jobs = new Map((await jobsOf(db, [agentId])).map((job) => [jobName(job), job]));
    const known = await expectedAt(db, agentId, some);
    for (const [name, ofJob] of Map.groupBy(some, jobName)) {
      const job = jobs.get(name);
      if (job !== undefined) changed.push(...(await tellJob(db, { job, known: known?.get(name) }, ofJob, now)));
    }
  }
  await putExpected(db, changed);
  return changed;
}

/** In the hour in which all run, a host's runs are due at one time: read together. undefined: at several. */
async function expectedAt(db: Db, agentId: string, told: readonly DueTold[]) {
  const [first] = told;
  const isOne = told.every(({ dueAt, since }) => since === null && dueAt.getTime() === first?.dueAt.getTime());
  if (first === undefined || !isOne || told.length < 2) return undefined;
  const { expectedRuns: e } = db.tables;
  const rows = await db
    .select()
    .from(e)
    .where(and(eq(e.agentId, agentId), eq(e.dueAt, first.dueAt)));
  return Map.groupBy(rows, jobName);
}

type OfJob = { job: JobRow; known: readonly ExpectedRow[] | undefined };

async function tellJob(db: Db, { job, known }: OfJob, given: readonly DueTold[], now: Date): Promise<ExpectedRow[]> {
  const told = given.map((one) => ({ ...one, dueAt: dueHere(job, one) }));
  const times = told.flatMap(({ dueAt, since }) => [dueAt.getTime(), (since ?? dueAt).getTime()]);
  const [first, last] = [new Date(Math.min(...times)), new Date(Math.max(...times))];
  await catchUp(db, job, last, now);
  const found = known ?? (await expectedBetween(db, job, first, last));
  const rows = new Map(found.map((row) => [row.dueAt.getTime(), row]));
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

/**
 * Another version of the time zones knows another time for the same due: what is next to it here is meant. Only where the
 * host goes by the very plan that is known here.
 */
function dueHere(job: JobRow, { dueAt, told, by }: DueTold): Date {
  const isOfPlan = by !== undefined && by.policyId === job.policyId && by.version === job.policyVersion;
  return "run" in told && isOfPlan ? nearestDue(job, dueAt) : dueAt;
}

/** Whether a due was one of maintenance, or it is now; asked only where something was missed. */
async function quietTimes(db: Db, { agentId }: JobRow, told: readonly DueTold[], now: Date) {
  if (!told.some((one) => "missed" in one.told)) return () => false;
  const maintenance = await maintenanceOf(db, [agentId], now);
  return (row: ExpectedRow): boolean => maintenance.excuses(row, now);
}

/** A host's clock may be ahead of this one, and this controller may have been away. */
async function catchUp(db: Db, job: JobRow, through: Date, now: Date): Promise<void> {
  if (job.endedAt !== null || job.expectedThrough >= through) return;
  const maintenance = await maintenanceOf(db, [job.agentId], now);
  const closed = maintenance.closed(job, job.expectedThrough, new Date(through.getTime() + 86_400_000));
  await writePlanned(db, [planJob(job, { through, limit: MOST_ROWS, closed })], now);
}
