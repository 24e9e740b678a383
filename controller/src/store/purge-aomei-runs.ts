import { and, asc, eq, exists, gt, inArray, lt } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import type { Db } from "./db.ts";
import { type PurgeBound, type Purged, purged } from "./purge-step.ts";

/**
 * The oldest runs of AOMEI's tasks, with what was told of them; of each copy the newest run of every outcome stays, so that
 * its last good backup keeps its answer.
 */
export async function purgeAomeiRuns(db: Db, { before, batch }: PurgeBound): Promise<Purged> {
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
  const old = await db
    .select({ runId: aomeiRuns.runId })
    .from(aomeiRuns)
    .where(and(lt(aomeiRuns.occurredAt, before), isSurpassed))
    .orderBy(asc(aomeiRuns.occurredAt), asc(aomeiRuns.runId))
    .limit(batch);
  if (old.length === 0) return purged(0);
  const runIds = old.map(({ runId }) => runId);
  await db.delete(aomeiReports).where(inArray(aomeiReports.runId, runIds));
  await db.delete(aomeiRuns).where(inArray(aomeiRuns.runId, runIds));
  return purged(old.length);
}
