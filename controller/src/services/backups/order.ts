/** What an agent is asked to do with one backup that exists. */
import type { CommandKind } from "@holdfast/protocol";
import type { Action, Caller } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import { recordAudit } from "../audit/record.ts";
import type { CommandRow } from "../commands/command-row.ts";
import { announceCommand, type Order, type OrderContext, orderCommand } from "../commands/order.ts";
import { type BackupRef, type BackupRow, findBackup } from "./find.ts";

type Wish<Kind extends CommandKind> = {
  ref: BackupRef;
  action: Action;
  idempotencyKey: string | undefined;
  order: (row: BackupRow) => Pick<Order<Kind>, "kind" | "arguments">;
};

/** NOT_FOUND, AMBIGUOUS, AGENT_REVOKED; CONFLICT when the backup is not completed. */
async function orderForBackup<Kind extends CommandKind>(
  context: OrderContext,
  caller: Caller,
  { ref, action, idempotencyKey, order }: Wish<Kind>,
): Promise<CommandRow> {
  const at = context.now();
  const { command, isNew } = await context.store.write(async (db) => {
    const row = await findBackup(db, caller.actor, ref);
    if (row.status !== "completed")
      throw new ControllerError("CONFLICT", {
        message: `${row.backupId} is ${row.status}: there is nothing of it yet`,
      });
    const added = await orderCommand(db, caller, { agentId: row.agentId, idempotencyKey, ...order(row) }, at);
    const details = { command_id: added.command.commandId };
    const subject = `${row.agentId}/${row.backupId}`;
    await recordAudit(db, caller, { action, subject, outcome: "accepted", details }, at);
    return added;
  });
  if (isNew) await announceCommand(context, command);
  return command;
}

type Asked = { ref: BackupRef; idempotencyKey: string | undefined };

/** Has a backup read and compared with its map, whose digest is the one that was told when the backup was made. */
export async function validateBackup(context: OrderContext, caller: Caller, asked: Asked): Promise<CommandRow> {
  return await orderForBackup<"verify.start">(context, caller, {
    ...asked,
    action: "backups.validate",
    order: (row) => ({ kind: "verify.start", arguments: proofArguments(row) }),
  });
}

/** Has a backup restored to scratch space, compared and timed. */
export async function startDrill(context: OrderContext, caller: Caller, asked: Asked): Promise<CommandRow> {
  return await orderForBackup<"drill.start">(context, caller, {
    ...asked,
    action: "drills.start",
    order: (row) => ({ kind: "drill.start", arguments: proofArguments(row) }),
  });
}

/** Has a backup kept, or let go again, until a person says otherwise. */
export async function pinBackup(
  context: OrderContext,
  caller: Caller,
  { pinned, reason, ...asked }: Asked & { pinned: boolean; reason: string },
): Promise<CommandRow> {
  return await orderForBackup<"backup.pin">(context, caller, {
    ...asked,
    action: "backups.pin",
    order: ({ repositoryId, backupId }) => ({
      kind: "backup.pin",
      arguments: { repository_id: repositoryId, backup_id: backupId, pinned, reason },
    }),
  });
}

function proofArguments({ repositoryId, backupId, hashMapSha256 }: BackupRow) {
  return { repository_id: repositoryId, backup_id: backupId, hash_map_sha256: hashMapSha256 };
}
