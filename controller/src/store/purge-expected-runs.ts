import { and, asc, eq, inArray, isNotNull, lt } from "drizzle-orm";
import type { Db } from "./db.ts";
import { type PurgeBound, type Purged, purged } from "./purge-step.ts";

type Row = Pick<Db["tables"]["expectedRuns"]["$inferSelect"], "agentId" | "subjectId" | "task" | "dueAt">;

/** The oldest settled expected runs. That something is missing stays known without them. */
export async function purgeExpectedRuns(db: Db, { before, batch }: PurgeBound): Promise<Purged> {
  const { expectedRuns: e } = db.tables;
  const old: Row[] = await db
    .select({ agentId: e.agentId, subjectId: e.subjectId, task: e.task, dueAt: e.dueAt })
    .from(e)
    .where(and(lt(e.dueAt, before), isNotNull(e.settledAt)))
    .orderBy(asc(e.dueAt), asc(e.agentId), asc(e.subjectId), asc(e.task))
    .limit(batch);
  for (const some of Map.groupBy(old, ({ agentId, subjectId, task }) => `${agentId} ${task} ${subjectId}`).values())
    await removeOfJob(db, some);
  return purged(old.length);
}

async function removeOfJob(db: Db, rows: readonly Row[]): Promise<void> {
  const { expectedRuns: e } = db.tables;
  const [first] = rows;
  if (first === undefined) return;
  const ofJob = and(eq(e.agentId, first.agentId), eq(e.subjectId, first.subjectId), eq(e.task, first.task));
  const dues = rows.map(({ dueAt }) => dueAt);
  await db
    .delete(e)
    .where(and(ofJob, inArray(e.dueAt, dues)))
    .execute();
}
