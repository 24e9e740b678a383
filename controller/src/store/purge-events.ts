import { and, asc, desc, isNotNull, lte, notInArray } from "drizzle-orm";
import type { Db } from "./db.ts";
import { type PurgeBound, type Purged, purged } from "./purge-step.ts";

/** The oldest events, but never the one at a spool's applied place: by it the two ends know each other again. */
export async function purgeEvents(db: Db, { before, maxRows, batch }: PurgeBound): Promise<Purged> {
  const { events, spoolEpochs } = db.tables;
  const [newest] = await db.select({ cursor: events.cursor }).from(events).orderBy(desc(events.cursor)).limit(1);
  if (newest === undefined) return purged(0);
  const places = db
    .select({ eventId: spoolEpochs.appliedEventId })
    .from(spoolEpochs)
    .where(isNotNull(spoolEpochs.appliedEventId));
  const free = notInArray(events.eventId, places);
  const oldest = await db
    .select({ cursor: events.cursor, receivedAt: events.receivedAt })
    .from(events)
    .where(free)
    .orderBy(asc(events.cursor))
    .limit(batch);
  // They came in this order, so the first that stays ends the search, and no index on the time is needed.
  const staying = oldest.findIndex((row) => row.receivedAt >= before && row.cursor > newest.cursor - maxRows);
  const last = (staying === -1 ? oldest : oldest.slice(0, staying)).at(-1);
  if (last === undefined) return purged(0);
  const gone = await db
    .delete(events)
    .where(and(lte(events.cursor, last.cursor), free))
    .returning({ cursor: events.cursor });
  return purged(gone.length);
}
