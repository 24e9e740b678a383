import { and, asc, desc, eq, inArray, isNotNull, lt } from "drizzle-orm";
import type { Db } from "./db.ts";
import type { PurgeBound } from "./retention.ts";

type Row = Pick<Db["tables"]["expectedRuns"]["$inferSelect"], "agentId" | "subjectId" | "task" | "dueAt">;

/** The oldest settled expected runs. That something is missing stays known without them. */
export async function purgeExpectedRuns(db: Db, { before, maxRows, batch }: PurgeBound): Promise<number> {
  const { expectedRuns: e } = db.tables;
  const until = await latest(db, before, maxRows);
  const old: Row[] = await db
    .select({ agentId: e.agentId, subjectId: e.subjectId, task: e.task, dueAt: e.dueAt })
    .from(e)
    .where(and(lt(e.dueAt, until), isNotNull(e.settledAt)))
    .orderBy(asc(e.dueAt), asc(e.agentId), asc(e.subjectId), asc(e.task))
    .limit(batch);
  for (const some of Map.groupBy(old, ({ agentId, subjectId, task }) => `${agentId} ${task} ${subjectId}`).values())
    await removeOfJob(db, some);
  return old.length;
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

/** What was due before this is too old, or too many. */
async function latest(db: Db, before: Date, maxRows: number): Promise<Date> {
  const { expectedRuns: e } = db.tables;
  const [first] = await db
    .select({ dueAt: e.dueAt })
    .from(e)
    .orderBy(desc(e.dueAt), desc(e.agentId), desc(e.subjectId), desc(e.task))
    .limit(1)
    .offset(Math.max(0, maxRows - 1));
  return first === undefined || first.dueAt < before ? before : first.dueAt;
}
