import { and, eq, isNull, max } from "drizzle-orm";
import type { Db } from "../../store/db.ts";

export type ItemKey = { agentId: string; vmContextId: string };
/** When a proof last said each; of what could not be finished nothing is known. */
export type ProofEnds = { passed: Date | null; failed: Date | null };
type Told = { backupId: string; status: string; at: Date | null };

/** Of the item's backups that are still there, by backup id; those that were never proven are left out. */
export async function proofEndsOf(
  db: Db,
  item: ItemKey,
): Promise<{ verified: Map<string, ProofEnds>; drilled: Map<string, ProofEnds> }> {
  return { verified: endsOf(await verifications(db, item)), drilled: endsOf(await drills(db, item)) };
}

/** The item's backups that were not removed, as a condition. */
export function liveBackupsOf(db: Db, { agentId, vmContextId }: ItemKey) {
  const { backups: b } = db.tables;
  return and(eq(b.vmContextId, vmContextId), eq(b.agentId, agentId), isNull(b.removedAt));
}

async function verifications(db: Db, item: ItemKey): Promise<Told[]> {
  const { backups: b, verifications: v } = db.tables;
  return await db
    .select({ backupId: v.backupId, status: v.status, at: max(v.verifiedAt) })
    .from(b)
    .innerJoin(v, and(eq(v.backupId, b.backupId), eq(v.agentId, b.agentId)))
    .where(liveBackupsOf(db, item))
    .groupBy(v.backupId, v.status);
}

async function drills(db: Db, item: ItemKey): Promise<Told[]> {
  const { backups: b, drills: d } = db.tables;
  return await db
    .select({ backupId: d.backupId, status: d.status, at: max(d.drilledAt) })
    .from(b)
    .innerJoin(d, and(eq(d.backupId, b.backupId), eq(d.agentId, b.agentId)))
    .where(liveBackupsOf(db, item))
    .groupBy(d.backupId, d.status);
}

function endsOf(told: readonly Told[]): Map<string, ProofEnds> {
  const ends = new Map<string, ProofEnds>();
  for (const { backupId, status, at } of told) {
    const known = ends.get(backupId) ?? { passed: null, failed: null };
    if (status === "passed" || status === "failed") ends.set(backupId, { ...known, [status]: at });
  }
  return ends;
}
