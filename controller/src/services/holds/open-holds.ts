import { and, eq, gt, isNotNull, isNull, or } from "drizzle-orm";
import type { Db } from "../../store/db.ts";

export type HoldRow = Db["tables"]["holds"]["$inferSelect"];
type Item = { agentId: string; vmContextId: string };

/**
 * Holds on an item or its backups that neither were released nor have ended by `promised` (`promiseTime`). A host that was enrolled anew is another
 * agent with the same backups: what was held by the revoked one's name, and backups that are held by their id, stay held.
 */
export async function openHolds(db: Db, { agentId, vmContextId }: Item, promised: Date): Promise<HoldRow[]> {
  const { holds: h, agents: a } = db.tables;
  const isMeant = or(eq(h.agentId, agentId), isNotNull(h.backupId), eq(a.state, "revoked"));
  const rows = await db
    .select({ hold: h })
    .from(h)
    .leftJoin(a, eq(a.agentId, h.agentId))
    .where(
      and(eq(h.vmContextId, vmContextId), isNull(h.releasedAt), or(isNull(h.until), gt(h.until, promised)), isMeant),
    );
  return rows.map(({ hold }) => hold);
}

export function holdsOn(holds: readonly HoldRow[], backupId: string): HoldRow[] {
  return holds.filter((hold) => hold.backupId === null || hold.backupId === backupId);
}
