import { and, eq, gt, isNull, or } from "drizzle-orm";
import type { Db } from "../../store/db.ts";

export type HoldRow = Db["tables"]["holds"]["$inferSelect"];
type Item = { agentId: string; vmContextId: string };

/** Holds on an item or its backups that neither were released nor have ended. */
export async function openHolds(db: Db, { agentId, vmContextId }: Item, now: Date): Promise<HoldRow[]> {
  const { holds: h } = db.tables;
  const ofItem = and(eq(h.agentId, agentId), eq(h.vmContextId, vmContextId), isNull(h.releasedAt));
  return await db
    .select()
    .from(h)
    .where(and(ofItem, or(isNull(h.until), gt(h.until, now))));
}

export function holdsOn(holds: readonly HoldRow[], backupId: string): HoldRow[] {
  return holds.filter((hold) => hold.backupId === null || hold.backupId === backupId);
}
