/** Which backups lists of what is there may end. */
import { and, eq, inArray, isNull } from "drizzle-orm";
import { isUnlisted, type Listing } from "../../domain/listing.ts";
import type { Db } from "../../store/db.ts";
import type { Incoming } from "./incoming.ts";

const AT_ONCE = 100;

/** Their ids, of whichever agent: few, because hardly anything is removed that was not told. */
export async function unlistedBackups(db: Db, incoming: readonly Incoming[]): Promise<string[]> {
  const found: string[] = [];
  for (const [agentId, listings] of Map.groupBy(incoming.flatMap(listingOf), (each) => each.agentId)) {
    const told = listings.map(({ listing }) => listing);
    const contexts = [...new Set([...told.flatMap(contextOf), ...(await contextsMissing(db, agentId, told))])];
    for (let from = 0; from < contexts.length; from += AT_ONCE) {
      const rows = await backupsOf(db, agentId, contexts.slice(from, from + AT_ONCE));
      const gone = rows.filter((row) => told.some((listing) => isUnlisted(listing, row)));
      found.push(...gone.map(({ backupId }) => backupId));
    }
  }
  return found;
}

function listingOf({ agentId, event }: Incoming): { agentId: string; listing: Listing }[] {
  const isListing = event?.kind === "backups_listed" || event?.kind === "items_listed";
  return isListing ? [{ agentId, listing: event }] : [];
}

function contextOf({ kind, body }: Listing): string[] {
  return kind === "backups_listed" ? [body.vm_context_id] : [];
}

/** Items that the controller believes to have backups where the host says that it has none. */
async function contextsMissing(db: Db, agentId: string, told: readonly Listing[]): Promise<string[]> {
  const { backups } = db.tables;
  const missing: string[] = [];
  const lists = told.filter(({ kind }) => kind === "items_listed");
  for (const [repositoryId, some] of Map.groupBy(lists, ({ body }) => body.repository_id)) {
    const rows = await db
      .selectDistinct({ vmContextId: backups.vmContextId })
      .from(backups)
      .where(and(isThere(db, agentId), eq(backups.repositoryId, repositoryId)));
    const backup = {
      backupId: "",
      repositoryId,
      status: "completed",
      completedAt: new Date(0),
      removedAt: null,
    } as const;
    for (const { vmContextId } of rows)
      if (some.some((listing) => isUnlisted(listing, { ...backup, vmContextId }))) missing.push(vmContextId);
  }
  return missing;
}

async function backupsOf(db: Db, agentId: string, contexts: string[]) {
  const { backups: b } = db.tables;
  return await db
    .select({
      backupId: b.backupId,
      repositoryId: b.repositoryId,
      vmContextId: b.vmContextId,
      status: b.status,
      completedAt: b.completedAt,
      removedAt: b.removedAt,
    })
    .from(b)
    .where(and(isThere(db, agentId), inArray(b.vmContextId, contexts)));
}

function isThere({ tables: { backups } }: Db, agentId: string) {
  return and(eq(backups.agentId, agentId), eq(backups.status, "completed"), isNull(backups.removedAt));
}
