import { and, eq } from "drizzle-orm";
import type { CopyPoint } from "../../domain/compliance/item-copies.ts";
import type { Db } from "../../store/db.ts";
import { type ItemKey, liveBackupsOf, NO_PROOF, proofEndsOf } from "../backups/proof-ends.ts";

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
    .where(and(liveBackupsOf(db, item), eq(b.status, "completed")));
  if (rows.length === 0) return [];
  const { verified, drilled } = await proofEndsOf(db, item);
  return rows.map(({ createdAt, startedAt, recordedAt, ...row }) => ({
    ...row,
    madeAt: earlier(startedAt ?? createdAt, recordedAt),
    verification: verified.get(row.backupId) ?? NO_PROOF,
    drill: drilled.get(row.backupId) ?? NO_PROOF,
  }));
}

/** A host whose clock is ahead makes nothing that is newer than when it was heard of. */
function earlier(told: Date, heard: Date | null): Date {
  return heard !== null && heard < told ? heard : told;
}
