import { and, eq, isNull } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import { onlyOne, visibleAgent } from "../lists/visible.ts";
import { type Proofs, proofsOf } from "./proofs.ts";

export type BackupRow = Db["tables"]["backups"]["$inferSelect"];
/** A backup with its newest verification and drill. */
export type ProvenBackup = { row: BackupRow } & Proofs;
/** Names a backup: its id, and the agent where two agents have the same. */
export type BackupRef = { backupId: string; agentId?: string | undefined };

/** A backup that was not removed. NOT_FOUND, AMBIGUOUS with the agents' ids. */
export async function findBackup(db: Db, actor: Actor, ref: BackupRef): Promise<BackupRow> {
  const { backups } = db.tables;
  const agentId = visibleAgent(actor, ref.agentId);
  const rows = await db
    .select()
    .from(backups)
    .where(
      and(
        eq(backups.backupId, ref.backupId),
        agentId === undefined ? undefined : eq(backups.agentId, agentId),
        isNull(backups.removedAt),
      ),
    )
    .limit(100);
  return onlyOne(rows, `backup ${ref.backupId}`, (row) => `agent_id=${row.agentId}`);
}

export async function getBackup({ store }: ServiceContext, actor: Actor, ref: BackupRef): Promise<ProvenBackup> {
  return await store.read(async (db) => await withProofs(db, await findBackup(db, actor, ref)));
}

export async function withProofs(db: Db, row: BackupRow): Promise<ProvenBackup> {
  const proofs = await proofsOf(db, [row]);
  return { row, ...proofs(row) };
}
