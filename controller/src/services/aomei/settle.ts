/** What is derived from the runs, worked out again after they changed: copies, and each job's last run and interval. */
import { and, desc, eq } from "drizzle-orm";
import { UNKNOWN_MEDIA } from "../../domain/aomei/copy.ts";
import { LEARNED_FROM, learnInterval } from "../../domain/aomei/expectation.ts";
import type { RunStatus } from "../../domain/aomei/status.ts";
import type { Db } from "../../store/db.ts";
import type { CopyKey, CopyRow, JobRow } from "./work.ts";

const STATUSES: readonly RunStatus[] = ["failed", "warning", "success"];

/** Writes the copies that these keys name, as their runs say. */
export async function settleCopies(db: Db, keys: Iterable<CopyKey>): Promise<void> {
  for (const key of keys) {
    if (key.media !== UNKNOWN_MEDIA) await nameMedia(db, key);
    await settleCopy(db, key);
  }
}

/** While one kind of copy has one medium, runs of which nobody said it lie there too. */
async function nameMedia(db: Db, { jobId, copyType, media }: CopyKey): Promise<void> {
  const { aomeiCopies, aomeiRuns } = db.tables;
  const copies = await db
    .select()
    .from(aomeiCopies)
    .where(and(eq(aomeiCopies.jobId, jobId), eq(aomeiCopies.copyType, copyType)));
  const others = copies.filter((copy) => copy.media !== media);
  if (others.length !== 1 || others[0]?.media !== UNKNOWN_MEDIA) return;
  const isUnknown = and(
    eq(aomeiRuns.jobId, jobId),
    eq(aomeiRuns.copyType, copyType),
    eq(aomeiRuns.media, UNKNOWN_MEDIA),
  );
  await db.update(aomeiRuns).set({ media }).where(isUnknown);
  await settleCopy(db, { jobId, copyType, media: UNKNOWN_MEDIA });
}

async function settleCopy(db: Db, { jobId, copyType, media }: CopyKey): Promise<void> {
  const { aomeiCopies, aomeiRuns } = db.tables;
  const isCopy = and(eq(aomeiCopies.jobId, jobId), eq(aomeiCopies.copyType, copyType), eq(aomeiCopies.media, media));
  const newest: (typeof aomeiRuns.$inferSelect)[] = [];
  for (const status of STATUSES) {
    const ofCopy = and(eq(aomeiRuns.jobId, jobId), eq(aomeiRuns.copyType, copyType), eq(aomeiRuns.media, media));
    const where = and(ofCopy, eq(aomeiRuns.status, status));
    newest.push(...(await db.select().from(aomeiRuns).where(where).orderBy(desc(aomeiRuns.occurredAt)).limit(1)));
  }
  // Of two at the same moment the worse one, which comes first, holds.
  const [last] = newest.toSorted((a, b) => b.occurredAt.getTime() - a.occurredAt.getTime());
  if (last === undefined) {
    await db.delete(aomeiCopies).where(isCopy);
    return;
  }
  const good = newest.find(({ status }) => status === "success");
  const { status, occurredAt: lastRunAt } = last;
  const proven = { lastGoodAt: good?.occurredAt ?? null, sizeBytes: good?.sizeBytes ?? null };
  const row: CopyRow = { jobId, copyType, media, status, lastRunAt, ...proven, path: good?.storagePath ?? null };
  const target = [aomeiCopies.jobId, aomeiCopies.copyType, aomeiCopies.media];
  await db.insert(aomeiCopies).values(row).onConflictDoUpdate({ target, set: row }).execute();
}

/** The job with what its newest runs say: those of the primary copy, of which there may be none. */
export async function settledJob(db: Db, job: JobRow): Promise<JobRow> {
  const { aomeiRuns } = db.tables;
  const newest = await db
    .select({ occurredAt: aomeiRuns.occurredAt, status: aomeiRuns.status })
    .from(aomeiRuns)
    .where(and(eq(aomeiRuns.jobId, job.jobId), eq(aomeiRuns.copyType, "primary")))
    .orderBy(desc(aomeiRuns.occurredAt), desc(aomeiRuns.runId))
    .limit(LEARNED_FROM);
  return {
    ...job,
    lastRunAt: newest[0]?.occurredAt ?? null,
    lastStatus: newest[0]?.status ?? null,
    learnedSeconds: learnInterval(newest.map(({ occurredAt }) => occurredAt)),
  };
}
