import { and, eq, isNull } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import { hasValue } from "../../store/uncommon.ts";
import type { ServiceContext } from "../context.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { visibleAgent } from "../lists/visible.ts";
import type { BackupRow, ProvenBackup } from "./find.ts";
import { proofsOf } from "./proofs.ts";

export type BackupQuery = PageRequest & {
  agentId?: string | undefined;
  vmName?: string | undefined;
  vmContextId?: string | undefined;
  repositoryId?: string | undefined;
  diskId?: number | undefined;
  status?: BackupRow["status"] | undefined;
  backupType?: BackupRow["backupType"] | undefined;
  restorePointId?: string | undefined;
};

/** Backups that were not removed, newest first; all of them without a filter. */
export async function listBackups(
  { store }: ServiceContext,
  actor: Actor,
  query: BackupQuery,
): Promise<Page<ProvenBackup>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { backups: table } = db.tables;
    const keyset = { table, at: table.createdAt, ids: [table.backupId, table.agentId] };
    const { vmName, vmContextId, repositoryId, diskId, status, backupType, restorePointId } = query;
    const where = and(
      isNull(table.removedAt),
      agentId === undefined ? undefined : eq(table.agentId, agentId),
      vmName === undefined ? undefined : eq(table.vmName, vmName),
      vmContextId === undefined ? undefined : eq(table.vmContextId, vmContextId),
      repositoryId === undefined ? undefined : eq(table.repositoryId, repositoryId),
      diskId === undefined ? undefined : hasValue("diskId", table.diskId, diskId),
      status === undefined ? undefined : hasValue("backupStatus", table.status, status),
      backupType === undefined ? undefined : hasValue("backupType", table.backupType, backupType),
      restorePointId === undefined ? undefined : eq(table.restorePointId, restorePointId),
    );
    const keyOf = (row: BackupRow) => ({ at: row.createdAt, ids: [row.backupId, row.agentId] });
    const page = await readRows(db, keyset, query, where, keyOf);
    const proofs = await proofsOf(db, page.rows);
    return { ...page, rows: page.rows.map((row) => ({ row, ...proofs(row) })) };
  });
}
