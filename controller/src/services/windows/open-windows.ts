import { and, gte, isNull, or } from "drizzle-orm";
import type { Db } from "../../store/db.ts";

export type WindowRow = Db["tables"]["maintenanceWindows"]["$inferSelect"];

/** So long an ended one is still asked for: runs that were due in it are settled after it. */
const KEPT_MS = 14 * 86_400_000;

/** The maintenance windows of now, of the time to come, and of the last two weeks. */
export async function openWindows(db: Db, now: Date): Promise<WindowRow[]> {
  const { maintenanceWindows: w } = db.tables;
  const since = new Date(now.getTime() - KEPT_MS);
  return await db
    .select()
    .from(w)
    .where(and(or(isNull(w.endedAt), gte(w.endedAt, since)), or(isNull(w.endsAt), gte(w.endsAt, since))));
}
