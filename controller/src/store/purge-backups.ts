import { and, asc, eq, gte, inArray, isNull, lt, notExists } from "drizzle-orm";
import type { Db } from "./db.ts";
import { nextPage } from "./purge-retention-plans.ts";
import { type PurgeBound, type Purged, purged } from "./purge-step.ts";
import { hasValue } from "./uncommon.ts";

/** Backups that were removed long ago and of which no proof is kept: a proof says which bytes it was about. */
export async function purgeRemovedBackups(db: Db, { before, from, batch }: PurgeBound): Promise<Purged> {
  const { backups: b, verifications: v, drills: d } = db.tables;
  const { agentId, backupId, removedAt: at } = b;
  const isOld = and(lt(at, before), from === null ? undefined : gte(at, from));
  const page = await db
    .select({ agentId, backupId, at })
    .from(b)
    .where(isOld)
    .orderBy(asc(at), asc(agentId), asc(backupId))
    .limit(batch);
  const isVerification = and(eq(v.backupId, backupId), eq(v.agentId, agentId));
  const isDrill = and(eq(d.backupId, backupId), eq(d.agentId, agentId));
  const unproven = and(
    notExists(db.select({ id: v.verificationId }).from(v).where(isVerification)),
    notExists(db.select({ id: d.drillId }).from(d).where(isDrill)),
  );
  let removed = 0;
  for (const [agent, rows] of Map.groupBy(page, (row) => row.agentId)) {
    const ids = rows.map((row) => row.backupId);
    const which = and(eq(agentId, agent), inArray(backupId, ids), lt(at, before), unproven);
    removed += (await db.delete(b).where(which).returning({ backupId })).length;
  }
  return nextPage(page, removed, { from, batch });
}

/** What was asked for long ago and never made. */
export async function purgeUnmadeBackups(db: Db, { before, batch }: PurgeBound): Promise<Purged> {
  const { backups: b } = db.tables;
  for (const status of ["failed", "cancelled"] as const) {
    const which = and(hasValue("backupStatus", b.status, status), isNull(b.removedAt), lt(b.createdAt, before));
    const order = [asc(b.createdAt), asc(b.backupId), asc(b.agentId)];
    const { agentId, backupId } = b;
    const old = await db
      .select({ agentId, backupId })
      .from(b)
      .where(which)
      .orderBy(...order)
      .limit(batch);
    for (const [agent, rows] of Map.groupBy(old, (row) => row.agentId)) {
      const ids = rows.map((row) => row.backupId);
      await db.delete(b).where(and(eq(agentId, agent), inArray(backupId, ids)));
    }
    if (old.length > 0) return purged(old.length);
  }
  return purged(0);
}
