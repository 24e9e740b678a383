import { and, eq, isNull, max } from "drizzle-orm";
import type { CopyPoint, Proof } from "../../domain/compliance/item-copies.ts";
import type { Db } from "../../store/db.ts";

export type ItemKey = { agentId: string; vmContextId: string };
type Told = { backupId: string; status: string; at: Date | null };

const NONE: Proof = { passed: null, failed: null };

/** Every completed backup of an item that is still there, with what was proven of it. */
export async function loadCopyPoints(db: Db, item: ItemKey): Promise<CopyPoint[]> {
  const { backups: b } = db.tables;
  const made = { createdAt: b.createdAt, startedAt: b.startedAt, recordedAt: b.recordedAt };
  const rows = await db
    .select({
      backupId: b.backupId,
      repositoryId: b.repositoryId,
      diskId: b.diskId,
      parentId: b.parentBackupId,
      ...made,
    })
    .from(b)
    .where(and(ofItem(db, item), eq(b.status, "completed")));
  if (rows.length === 0) return [];
  const verified = proofs(await verifications(db, item));
  const drilled = proofs(await drills(db, item));
  return rows.map(({ createdAt, startedAt, recordedAt, ...row }) => ({
    ...row,
    madeAt: earlier(startedAt ?? createdAt, recordedAt),
    verification: verified.get(row.backupId) ?? NONE,
    drill: drilled.get(row.backupId) ?? NONE,
  }));
}

/** A host whose clock is ahead makes nothing that is newer than when it was heard of. */
function earlier(told: Date, heard: Date | null): Date {
  return heard !== null && heard < told ? heard : told;
}

async function verifications(db: Db, item: ItemKey): Promise<Told[]> {
  const { backups: b, verifications: v } = db.tables;
  return await db
    .select({ backupId: v.backupId, status: v.status, at: max(v.verifiedAt) })
    .from(b)
    .innerJoin(v, and(eq(v.backupId, b.backupId), eq(v.agentId, b.agentId)))
    .where(ofItem(db, item))
    .groupBy(v.backupId, v.status);
}

async function drills(db: Db, item: ItemKey): Promise<Told[]> {
  const { backups: b, drills: d } = db.tables;
  return await db
    .select({ backupId: d.backupId, status: d.status, at: max(d.drilledAt) })
    .from(b)
    .innerJoin(d, and(eq(d.backupId, b.backupId), eq(d.agentId, b.agentId)))
    .where(ofItem(db, item))
    .groupBy(d.backupId, d.status);
}

function ofItem(db: Db, { agentId, vmContextId }: ItemKey) {
  const { backups: b } = db.tables;
  return and(eq(b.vmContextId, vmContextId), eq(b.agentId, agentId), isNull(b.removedAt));
}

/** Of what could not be finished nothing is known. */
function proofs(told: readonly Told[]): Map<string, Proof> {
  const known = new Map<string, Proof>();
  for (const { backupId, status, at } of told)
    if (status === "passed" || status === "failed")
      known.set(backupId, { ...(known.get(backupId) ?? NONE), [status]: at });
  return known;
}
