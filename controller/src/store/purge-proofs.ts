/** Proofs and what they proved: kept for as long as evidence is, and for as long as anything goes by them. */
import { and, asc, eq, exists, gt, gte, inArray, isNull, lt, notExists, or } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import type { Db } from "./db.ts";
import { nextPage } from "./purge-retention-plans.ts";
import type { PurgeBound, Purged } from "./purge-step.ts";
import { putSetting, readSetting } from "./settings.ts";

const KEPT_SINCE = "proofs_kept_since";

/** Evidence from before this is not whole any more; null: no proof was ever removed. */
export async function proofsKeptSince(db: Db): Promise<Date | null> {
  const known = await readSetting(db, KEPT_SINCE);
  return typeof known === "string" ? new Date(known) : null;
}

/** Old verifications of backups that are gone; of those that are there, each one's newest of every outcome stays. */
export async function purgeVerifications(db: Db, { before, from, batch }: PurgeBound): Promise<Purged> {
  const { verifications: v, backups: b } = db.tables;
  const { verificationId: id, verifiedAt: at } = v;
  const isOld = and(lt(at, before), from === null ? undefined : gte(at, from));
  const page = await db.select({ id, at }).from(v).where(isOld).orderBy(asc(at), asc(id)).limit(batch);
  const ids = page.map((row) => row.id);
  const newer = alias(v, "newer");
  const isSame = and(eq(newer.backupId, v.backupId), eq(newer.agentId, v.agentId), eq(newer.status, v.status));
  const isSurpassed = exists(
    db
      .select({ id: newer.verificationId })
      .from(newer)
      .where(and(isSame, gt(newer.verifiedAt, at))),
  );
  const isThere = and(eq(b.agentId, v.agentId), eq(b.backupId, v.backupId), isNull(b.removedAt));
  const isGone = notExists(db.select({ id: b.backupId }).from(b).where(isThere));
  const which = and(inArray(id, ids), or(isSurpassed, isGone));
  const old = ids.length === 0 ? [] : await db.select({ id }).from(v).where(which);
  const gone = old.map((row) => row.id);
  if (gone.length > 0) await db.delete(v).where(inArray(id, gone));
  return await noted(db, nextPage(page, gone.length, { from, batch }), before);
}

/** The same of drills. */
export async function purgeDrills(db: Db, { before, from, batch }: PurgeBound): Promise<Purged> {
  const { drills: d, backups: b } = db.tables;
  const { drillId: id, drilledAt: at } = d;
  const isOld = and(lt(at, before), from === null ? undefined : gte(at, from));
  const page = await db.select({ id, at }).from(d).where(isOld).orderBy(asc(at), asc(id)).limit(batch);
  const ids = page.map((row) => row.id);
  const newer = alias(d, "newer");
  const isSame = and(eq(newer.backupId, d.backupId), eq(newer.agentId, d.agentId), eq(newer.status, d.status));
  const isSurpassed = exists(
    db
      .select({ id: newer.drillId })
      .from(newer)
      .where(and(isSame, gt(newer.drilledAt, at))),
  );
  const isThere = and(eq(b.agentId, d.agentId), eq(b.backupId, d.backupId), isNull(b.removedAt));
  const isGone = notExists(db.select({ id: b.backupId }).from(b).where(isThere));
  const which = and(inArray(id, ids), or(isSurpassed, isGone));
  const old = ids.length === 0 ? [] : await db.select({ id }).from(d).where(which);
  const gone = old.map((row) => row.id);
  if (gone.length > 0) await db.delete(d).where(inArray(id, gone));
  return await noted(db, nextPage(page, gone.length, { from, batch }), before);
}

async function noted(db: Db, step: Purged, before: Date): Promise<Purged> {
  if (step.removed === 0) return step;
  const known = await proofsKeptSince(db);
  if (known === null || known < before) await putSetting(db, KEPT_SINCE, before.toISOString());
  return step;
}
