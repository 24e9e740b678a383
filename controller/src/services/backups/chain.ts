import { and, asc, eq, isNull } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import { onlyOne, visibleAgent } from "../lists/visible.ts";
import type { BackupRow, ProvenBackup } from "./find.ts";
import { proofsOf } from "./proofs.ts";

export type ChainQuery = {
  vmContextId?: string | undefined;
  vmName?: string | undefined;
  agentId?: string | undefined;
  repositoryId?: string | undefined;
  diskId: number;
};

export type OneChain = { fullBackupId: string; backups: ProvenBackup[]; totalSizeBytes: number };
export type Chains = {
  agentId: string;
  vmContextId: string;
  vmName: string;
  repositoryId: string;
  /** The current one; null: the disk has no backup. */
  current: OneChain | null;
  /** Closed ones, newest first. */
  older: OneChain[];
};

type Place = { agentId: string; vmContextId: string; vmName: string; repositoryId: string };

/** A disk's chains in one repository (the item's own unless asked for another). NOT_FOUND: no such VM; AMBIGUOUS. */
export async function getChains({ store }: ServiceContext, actor: Actor, query: ChainQuery): Promise<Chains> {
  return await store.read(async (db) => {
    const place = await findPlace(db, actor, query);
    const rows = await backupsAt(db, place, query.diskId);
    const proofs = await proofsOf(db, rows);
    const [current, ...older] = chainsOf(rows.map((row) => ({ row, ...proofs(row) })));
    return { ...place, current: current ?? null, older };
  });
}

/** The item, or, when it is defined no more, where its backups are. */
async function findPlace(db: Db, actor: Actor, query: ChainQuery): Promise<Place> {
  const { items, backups } = db.tables;
  const agentId = visibleAgent(actor, query.agentId);
  const which = (table: typeof items | typeof backups) =>
    and(
      query.vmContextId === undefined ? undefined : eq(table.vmContextId, query.vmContextId),
      query.vmName === undefined ? undefined : eq(table.vmName, query.vmName),
      agentId === undefined ? undefined : eq(table.agentId, agentId),
    );
  const { agentId: agent, vmContextId, vmName, repositoryId } = items;
  const live = await db
    .select({ agentId: agent, vmContextId, vmName, repositoryId })
    .from(items)
    .where(and(which(items), isNull(items.retiredAt)))
    .limit(100);
  const what = `VM ${query.vmContextId ?? query.vmName ?? ""}`;
  const name = (each: Place) =>
    `agent_id=${each.agentId} vm_context_id=${each.vmContextId} repository_id=${each.repositoryId}`;
  const found = live.length > 0 ? live : await placesOfBackups(db, which(backups), query.repositoryId);
  const place = onlyOne(found, what, name);
  return { ...place, repositoryId: query.repositoryId ?? place.repositoryId };
}

async function placesOfBackups(
  db: Db,
  which: ReturnType<typeof and>,
  repositoryId: string | undefined,
): Promise<Place[]> {
  const { backups: b } = db.tables;
  const repository = repositoryId === undefined ? undefined : eq(b.repositoryId, repositoryId);
  return await db
    .selectDistinct({ agentId: b.agentId, vmContextId: b.vmContextId, vmName: b.vmName, repositoryId: b.repositoryId })
    .from(b)
    .where(and(which, repository, isNull(b.removedAt)))
    .limit(100);
}

async function backupsAt(db: Db, place: Place, diskId: number): Promise<BackupRow[]> {
  const { backups: b } = db.tables;
  return await db
    .select()
    .from(b)
    .where(
      and(
        eq(b.vmContextId, place.vmContextId),
        eq(b.agentId, place.agentId),
        eq(b.repositoryId, place.repositoryId),
        eq(b.diskId, diskId),
        eq(b.status, "completed"),
        isNull(b.removedAt),
      ),
    )
    .orderBy(asc(b.createdAt), asc(b.backupId));
}

/** Chains are ordered by their number and not by time: a clock that jumped never makes an old one the current one. */
function chainsOf(backups: readonly ProvenBackup[]): OneChain[] {
  const byFull = Map.groupBy(backups, ({ row }) => row.fullBackupId ?? row.backupId);
  const chains = [...byFull].map(([fullBackupId, some]) => ({
    fullBackupId,
    backups: some.toSorted((a, b) => (a.row.chainPosition ?? 0) - (b.row.chainPosition ?? 0)),
    totalSizeBytes: some.reduce((sum, { row }) => sum + (row.fileSizeBytes ?? 0), 0),
    number: Math.max(...some.map(({ row }) => row.chainNumber ?? 0)),
    at: Math.min(...some.map(({ row }) => row.createdAt.getTime())),
  }));
  return chains
    .toSorted((a, b) => b.number - a.number || b.at - a.at)
    .map(({ number: _number, at: _at, ...chain }) => chain);
}
