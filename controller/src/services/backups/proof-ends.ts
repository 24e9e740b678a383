import { and, eq, isNull, max } from "drizzle-orm";
import type { Db } from "../../store/db.ts";

export type ItemKey = { agentId: string; vmContextId: string };
/**
 * When a proof last said each; of what could not be finished nothing is known. `cached`: passed, but by data that came
 * through the page cache, which says nothing of the medium.
 */
export type ProofEnds = { passed: Date | null; failed: Date | null; cached: Date | null };
type Told = { backupId: string; status: string; cached: boolean; at: Date | null };

export const NO_PROOF: ProofEnds = { passed: null, failed: null, cached: null };

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
    .select({ backupId: v.backupId, status: v.status, cached: v.cached, at: max(v.verifiedAt) })
    .from(b)
    .innerJoin(v, and(eq(v.backupId, b.backupId), eq(v.agentId, b.agentId)))
    .where(liveBackupsOf(db, item))
    .groupBy(v.backupId, v.status, v.cached);
}

async function drills(db: Db, item: ItemKey): Promise<Told[]> {
  const { backups: b, drills: d } = db.tables;
  const rows = await db
    .select({ backupId: d.backupId, status: d.status, at: max(d.drilledAt) })
    .from(b)
    .innerJoin(d, and(eq(d.backupId, b.backupId), eq(d.agentId, b.agentId)))
    .where(liveBackupsOf(db, item))
    .groupBy(d.backupId, d.status);
  return rows.map((row) => ({ ...row, cached: false }));
}

function endsOf(told: readonly Told[]): Map<string, ProofEnds> {
  const ends = new Map<string, ProofEnds>();
  for (const { backupId, status, cached, at } of told) {
    if (status !== "passed" && status !== "failed") continue;
    const known = ends.get(backupId) ?? NO_PROOF;
    const what = status === "passed" && cached ? "cached" : status;
    ends.set(backupId, { ...known, [what]: later(known[what], at) });
  }
  return ends;
}

export function later(one: Date | null, other: Date | null): Date | null {
  return one === null || (other !== null && other > one) ? other : one;
}
