import { actorName, type Caller } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import { recordAudit } from "../audit/record.ts";
import { cancelCommand } from "../commands/cancel-command.ts";
import type { OrderContext } from "../commands/order.ts";
import { type BackupRef, findBackup, type ProvenBackup, withProofs } from "./find.ts";

/**
 * Ends a backup that is asked for or under way, with those of the same restore point: at once when its agent has not
 * heard of it, otherwise when the agent says so. NOT_FOUND, AMBIGUOUS; CONFLICT when it has ended, or the host itself
 * began it.
 */
export async function cancelBackup(context: OrderContext, caller: Caller, ref: BackupRef): Promise<ProvenBackup> {
  const now = context.now();
  const { tell, backup } = await context.store.write(async (db) => {
    const row = await findBackup(db, caller.actor, ref);
    if (row.status !== "pending" && row.status !== "running")
      throw new ControllerError("CONFLICT", { message: `${row.backupId} is not under way: it is ${row.status}` });
    if (row.commandId === null)
      throw new ControllerError("CONFLICT", { message: `${row.backupId} was begun by the host itself: end it there` });
    const { command, tellAgent } = await cancelCommand(db, row.commandId, { author: actorName(caller.actor), now });
    const details = { command_id: command.commandId };
    const entry = {
      subject: `${row.agentId}/${row.backupId}`,
      outcome: tellAgent ? "accepted" : "done",
      details,
    } as const;
    await recordAudit(db, caller, { action: "backups.cancel", ...entry }, now);
    return { tell: tellAgent ? command : null, backup: await withProofs(db, await findBackup(db, caller.actor, ref)) };
  });
  if (tell !== null) await context.delivery.cancelled(tell.agentId, tell.commandId);
  return backup;
}
