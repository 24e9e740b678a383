import { isNull, lte } from "drizzle-orm";
import type { Db } from "../../store/db.ts";

/** Whether a flip waits, or an alert's time has come. */
export async function isWorkWaiting(db: Db, now: Date): Promise<boolean> {
  const { flips, alerts } = db.tables;
  const flipped = await db.select({ id: flips.flipId }).from(flips).where(isNull(flips.processedAt)).limit(1);
  if (flipped.length > 0) return true;
  const due = await db.select({ id: alerts.alertId }).from(alerts).where(lte(alerts.nextLookAt, now)).limit(1);
  return due.length > 0;
}
