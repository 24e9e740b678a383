import { and, asc, desc, eq, exists, gt, inArray, lt } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import type { Db } from "./db.ts";
import type { PurgeBound } from "./retention.ts";

/**
 * The oldest runs of AOMEI's tasks, with what was told of them; of each copy the newest run of every outcome stays, so that
 * its last good backup keeps its answer.
 */
export async function purgeAomeiRuns(db: Db, { before, maxRows, batch }: PurgeBound): Promise<number> {
  const { aomeiRuns, aomeiReports } = db.tables;
  const newer = alias(aomeiRuns, "newer");
  const isSurpassed = exists(
    db
      .select({ runId: newer.runId })
      .from(newer)
      .where(
        and(
          eq(newer.jobId, aomeiRuns.jobId),
          eq(newer.copyType, aomeiRuns.copyType),
          eq(newer.media, aomeiRuns.media),
          eq(newer.status, aomeiRuns.status),
          gt(newer.occurredAt, aomeiRuns.occurredAt),
        ),
      ),
  );
  const until = await latest(db, before, maxRows);
  const old = await db
    .select({ runId: aomeiRuns.runId })
    .from(aomeiRuns)
    .where(and(lt(aomeiRuns.occurredAt, until), isSurpassed))
    .orderBy(asc(aomeiRuns.occurredAt), asc(aomeiRuns.runId))
    .limit(batch);
  if (old.length === 0) return 0;
  const runIds = old.map(({ runId }) => runId);
  await db.delete(aomeiReports).where(inArray(aomeiReports.runId, runIds));
  await db.delete(aomeiRuns).where(inArray(aomeiRuns.runId, runIds));
  return old.length;
}

/** What happened before this is too old, or too many. */
async function latest(db: Db, before: Date, maxRows: number): Promise<Date> {
  const { aomeiRuns } = db.tables;
  const [first] = await db
    .select({ occurredAt: aomeiRuns.occurredAt })
    .from(aomeiRuns)
    .orderBy(desc(aomeiRuns.occurredAt), desc(aomeiRuns.runId))
    .limit(1)
    .offset(Math.max(0, maxRows - 1));
  return first === undefined || first.occurredAt < before ? before : first.occurredAt;
}
