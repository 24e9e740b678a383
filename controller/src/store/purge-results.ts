/** What results may hold: of what is gone, for as long as evidence of it is promised; of what is there, all that counts. */
import { and, asc, inArray, lt } from "drizzle-orm";
import type { Db, Store } from "./db.ts";
import { purgeRemovedBackups, purgeUnmadeBackups } from "./purge-backups.ts";
import { purgeDrills, purgeVerifications } from "./purge-proofs.ts";
import { purgeRetentionPlans } from "./purge-retention-plans.ts";
import { type Purge, type PurgeBound, type Purged, purged } from "./purge-step.ts";

export type ResultDays = { evidenceDays: number; executionsDays: number; auditDays: number };

const BATCH_ROWS = 200;
const DAY_MS = 86_400_000;

/** In this order: a backup goes once none of its proofs is left. */
const PURGES: readonly [Purge, keyof ResultDays][] = [
  [purgeVerifications, "evidenceDays"],
  [purgeDrills, "evidenceDays"],
  [purgeRemovedBackups, "evidenceDays"],
  [purgeUnmadeBackups, "executionsDays"],
  [purgeRetentionPlans, "executionsDays"],
  [purgeReleasedHolds, "auditDays"],
];

/** Removes what is older than its days, in many short transactions; answers how many rows went. */
export async function purgeResults(store: Store, days: ResultDays, now: Date): Promise<number> {
  let removed = 0;
  for (const [purge, kind] of PURGES) {
    const before = new Date(now.getTime() - days[kind] * DAY_MS);
    for (let next: Purged["next"] = { from: null }; next !== null; ) {
      const bound: PurgeBound = { before, maxRows: Number.POSITIVE_INFINITY, batch: BATCH_ROWS, ...next };
      const step: Purged = await store.write((db) => purge(db, bound));
      removed += step.removed;
      next = step.next;
    }
  }
  return removed;
}

/** One that was not released stays, also when its time is over: a clock may be wrong about that. */
async function purgeReleasedHolds(db: Db, { before, batch }: PurgeBound): Promise<Purged> {
  const { holds: h } = db.tables;
  const old = await db
    .select({ id: h.holdId })
    .from(h)
    .where(and(lt(h.createdAt, before), lt(h.releasedAt, before)))
    .orderBy(asc(h.createdAt), asc(h.holdId))
    .limit(batch);
  const ids = old.map(({ id }) => id);
  if (ids.length > 0) await db.delete(h).where(inArray(h.holdId, ids));
  return purged(ids.length);
}
