/** What goes on with backups just now, so that none is taken away under it. */
import { and, eq, inArray } from "drizzle-orm";
import type { Db } from "../../store/db.ts";
import { hasValue } from "../../store/uncommon.ts";
import type { BackupRow } from "../backups/find.ts";

/** Of one agent's backups; `rows`: all of the item, also those that are not finished. */
export async function usesOf(
  db: Db,
  agentId: string,
  rows: readonly BackupRow[],
): Promise<(backupId: string) => string | null> {
  const uses = new Map<string, string>();
  for (const { backupId, status, parentBackupId } of rows)
    if ((status === "pending" || status === "running") && parentBackupId !== null)
      uses.set(parentBackupId, `${backupId} is being made from it`);
  for (const { id, kind } of await openOrders(db, agentId)) uses.set(id, `a command is about it: ${kind}`);
  for (const { subject, kind } of await runningOn(db, agentId)) uses.set(subject, `a run is about it: ${kind}`);
  return (backupId) => uses.get(backupId) ?? null;
}

async function openOrders(db: Db, agentId: string): Promise<{ id: string; kind: string }[]> {
  const { commands: c } = db.tables;
  const open = await db
    .select({ kind: c.kind, values: c.arguments })
    .from(c)
    .where(and(eq(c.agentId, agentId), inArray(c.state, ["queued", "sent", "accepted", "running"])));
  return open.flatMap(({ kind, values: { backup_id: one, backup_ids: several } }) => {
    const ids = [one, ...(Array.isArray(several) ? several : [])];
    return ids.filter((id) => typeof id === "string").map((id) => ({ id, kind }));
  });
}

/** A restore's subject is the backup's id and where it goes, a removal's are several ids. */
async function runningOn(db: Db, agentId: string): Promise<{ subject: string; kind: string }[]> {
  const { executions: e } = db.tables;
  const rows = await db
    .select({ subject: e.subject, kind: e.kind })
    .from(e)
    .where(and(eq(e.agentId, agentId), hasValue("runState", e.state, "running")));
  return rows.flatMap(({ subject, kind }) =>
    kind === "backup" ? [] : (subject ?? "").split(/,? /).map((word) => ({ subject: word, kind })),
  );
}
