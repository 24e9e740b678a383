/** A clock that was set back: alerts of a time that has not come yet would wait for it, for years perhaps. */
import { and, gt, isNull } from "drizzle-orm";
import type { Db } from "../../store/db.ts";
import { putSetting, readSetting } from "../../store/settings.ts";

const NAME = "alerts_at";
/** So much later something is told at most. */
const TOLERANCE_MS = 5000;

/** Whether alerts were worked on at a time that is still to come. */
export async function isSetBack(db: Db, now: Date): Promise<boolean> {
  const known = await readSetting(db, NAME);
  return typeof known === "string" && Date.parse(known) > now.getTime() + TOLERANCE_MS;
}

/** Remembers when alerts were last worked on. */
export async function noteWork(db: Db, now: Date): Promise<void> {
  await putSetting(db, NAME, now.toISOString());
}

/** What is still to come happened now, and every alert that waits is looked at anew. */
export async function beginAnew(db: Db, now: Date): Promise<void> {
  const { alerts: a } = db.tables;
  const isAhead = (column: typeof a.createdAt | typeof a.lastNotifiedAt) => and(isNull(a.resolvedAt), gt(column, now));
  await db.update(a).set({ createdAt: now }).where(isAhead(a.createdAt));
  await db.update(a).set({ changedAt: now }).where(isAhead(a.changedAt));
  await db.update(a).set({ lastNotifiedAt: now }).where(isAhead(a.lastNotifiedAt));
  await db.update(a).set({ nextLookAt: now }).where(gt(a.nextLookAt, now));
}
