import { and, eq, inArray } from "drizzle-orm";
import type { Caller } from "../../domain/access.ts";
import type { Db } from "../../store/db.ts";
import { recordAudit } from "../audit/record.ts";
import type { CommandRow } from "../commands/command-row.ts";
import { announceCommand, type OrderContext, orderCommand } from "../commands/order.ts";
import { type BackupRef, type BackupRow, findBackup } from "./find.ts";
import { refuseUnremovable } from "./removable.ts";

/** `command` null: nothing was on any disk, and it is gone. */
export type Removal = { row: BackupRow; command: CommandRow | null };

/**
 * Has a backup removed by its agent; what was never made goes at once. Asking again while the agent is away gives the
 * same command. NOT_FOUND, AMBIGUOUS, AGENT_REVOKED; HAS_DEPENDENTS, PROTECTED, ALREADY_RUNNING as refuseUnremovable.
 */
export async function removeBackup(context: OrderContext, caller: Caller, ref: BackupRef): Promise<Removal> {
  const at = context.now();
  const { row, command, isNew } = await context.store.write(async (db) => {
    const found = await findBackup(db, caller.actor, ref);
    await refuseUnremovable(db, found, at);
    if (found.status !== "completed") return { row: await forget(db, caller, found, at), command: null, isNew: false };
    const known = await openRemoval(db, found);
    if (known !== undefined) return { row: found, command: known, isNew: false };
    const { agentId, backupId, repositoryId } = found;
    const values = { repository_id: repositoryId, backup_ids: [backupId] };
    const order = { agentId, kind: "backup.delete", arguments: values } as const;
    const added = await orderCommand(db, caller, order, at);
    const details = { command_id: added.command.commandId };
    const subject = `${agentId}/${backupId}`;
    await recordAudit(db, caller, { action: "backups.delete", subject, outcome: "accepted", details }, at);
    return { row: found, ...added };
  });
  if (command !== null && isNew) await announceCommand(context, command);
  return { row, command };
}

/** Whether the backup is known to be gone. */
export async function isRemoved({ store }: OrderContext, { agentId, backupId }: BackupRow): Promise<boolean> {
  const [row] = await store.read((db) => {
    const { backups: b } = db.tables;
    const which = and(eq(b.agentId, agentId), eq(b.backupId, backupId));
    return db.select({ removedAt: b.removedAt }).from(b).where(which);
  });
  return row === undefined || row.removedAt !== null;
}

async function forget(db: Db, caller: Caller, row: BackupRow, at: Date): Promise<BackupRow> {
  const { backups: b } = db.tables;
  const gone = { removedAt: at, removedReason: "removed by a person; it was never made" };
  await db
    .update(b)
    .set(gone)
    .where(and(eq(b.agentId, row.agentId), eq(b.backupId, row.backupId)))
    .execute();
  const subject = `${row.agentId}/${row.backupId}`;
  await recordAudit(db, caller, { action: "backups.delete", subject, outcome: "done" }, at);
  return { ...row, ...gone };
}

async function openRemoval(db: Db, { agentId, backupId }: BackupRow): Promise<CommandRow | undefined> {
  const { commands: c } = db.tables;
  const open = await db
    .select()
    .from(c)
    .where(
      and(
        eq(c.agentId, agentId),
        inArray(c.state, ["queued", "sent", "accepted", "running"]),
        eq(c.kind, "backup.delete"),
      ),
    );
  return open.find(({ arguments: { backup_ids: ids } }) => Array.isArray(ids) && ids.includes(backupId));
}
