/** An item's backups as the retention planner sees them. */
import { and, eq, isNull } from "drizzle-orm";
import type { Point } from "../../domain/retention/point.ts";
import type { Db } from "../../store/db.ts";
import type { BackupRow } from "../backups/find.ts";
import type { ItemKey } from "../backups/proof-ends.ts";
import { type HoldRow, holdsOn, openHolds } from "../holds/open-holds.ts";
import { type ProofTimes, proofTimesOf } from "./proof-times.ts";
import { usesOf } from "./uses.ts";

type Known = {
  holds: readonly HoldRow[];
  proofs: (backupId: string) => ProofTimes;
  uses: (backupId: string) => string | null;
  listed: ReadonlySet<string>;
};

/** Every completed backup of the item that is still there. `promised`: by which holds end. */
export async function loadPoints(db: Db, item: ItemKey, promised: Date): Promise<Point[]> {
  const rows = await backupsOf(db, item);
  const completed = rows.filter(({ status }) => status === "completed");
  if (completed.length === 0) return [];
  const known: Known = {
    holds: await openHolds(db, item, promised),
    proofs: await proofTimesOf(db, item),
    uses: await usesOf(db, item.agentId, rows),
    listed: await listedRepositories(db, item.agentId),
  };
  return completed.map((row) => pointOf(row, known));
}

async function backupsOf(db: Db, { agentId, vmContextId }: ItemKey): Promise<BackupRow[]> {
  const { backups: b } = db.tables;
  return await db
    .select()
    .from(b)
    .where(and(eq(b.vmContextId, vmContextId), eq(b.agentId, agentId), isNull(b.removedAt)));
}

/** A repository that is absent or damaged may hold more than is known, or less. */
async function listedRepositories(db: Db, agentId: string): Promise<ReadonlySet<string>> {
  const { repositories: r } = db.tables;
  const rows = await db
    .select({ id: r.repositoryId })
    .from(r)
    .where(and(eq(r.agentId, agentId), isNull(r.retiredAt), eq(r.state, "ready")));
  return new Set(rows.map(({ id }) => id));
}

function pointOf(row: BackupRow, { holds, proofs, uses, listed }: Known): Point {
  const { agentId, backupId, repositoryId, diskId, restorePointId, recordedAt, pinned, sidecar } = row;
  const own = holdsOn(holds, backupId);
  return {
    ...{ agentId, backupId, repositoryId, diskId, restorePointId, recordedAt, pinned },
    chainId: row.fullBackupId ?? backupId,
    chainNumber: row.chainNumber ?? 0,
    chainPosition: row.chainPosition ?? 0,
    parentId: row.parentBackupId,
    madeAt: sidecar === null ? row.createdAt : new Date(sidecar.created_at),
    completedAt: row.completedAt,
    held: own.filter(({ kind }) => kind === "legal").map(({ reason }) => reason),
    immutableUntil: latest(own.filter(({ kind }) => kind === "immutable").map(({ until }) => until)),
    inUse: uses(backupId),
    ...proofs(backupId),
    isCopy: false,
    hasSidecar: sidecar !== null,
    isListed: listed.has(repositoryId),
  };
}

function latest(times: readonly (Date | null)[]): Date | null {
  return times.reduce((a, b) => (a === null || (b !== null && b > a) ? b : a), null);
}
