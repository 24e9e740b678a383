import { isDeepStrictEqual } from "node:util";
import { type BackupType, makeBackupId, timeInName } from "@holdfast/protocol";
import { and, eq, gte, isNull, lt } from "drizzle-orm";
import type { Caller } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import { addRows } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { recordAudit } from "../audit/record.ts";
import type { CommandRow } from "../commands/command-row.ts";
import { announceCommand, commandKey, type OrderContext, orderCommand } from "../commands/order.ts";
import { findItemByName, type ItemRow } from "../items/find.ts";
import { findLiveAgent } from "../lists/find-agent.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import type { BackupRow } from "./find.ts";
import { pendingBackup } from "./pending.ts";
import { refuseWhileRunning } from "./running.ts";

export type StartBackup = {
  vmName: string;
  vmContextId?: string | undefined;
  agentId?: string | undefined;
  diskId: number | "all";
  backupType: BackupType;
  repositoryId: string;
  policyId: string | null;
  tags: Record<string, string>;
  idempotencyKey: string | undefined;
};

export type StartedBackup = { command: CommandRow; restorePointId: string; backups: BackupRow[] };

/**
 * Asks the item's agent for a backup, and notes the ones that will come of it as pending; both or neither.
 * NOT_FOUND (item, repository), AMBIGUOUS, ALREADY_RUNNING, AGENT_REVOKED, VALIDATION_ERROR (the disk).
 */
export async function startBackup(context: OrderContext, caller: Caller, input: StartBackup): Promise<StartedBackup> {
  const at = context.now();
  const started = await context.store.write(async (db) => {
    const again = await startedBefore(db, caller, input);
    if (again !== undefined) return { ...again, isNew: false };
    const item = await findItemByName(db, caller.actor, input);
    await findLiveAgent(db, caller.actor, item.agentId);
    await checkRepository(db, item, input.repositoryId);
    await refuseWhileRunning(db, item);
    const disks = chooseDisks(item, input.diskId);
    return { ...(await orderBackup(db, caller, { input, item, disks, at })), isNew: true };
  });
  if (started.isNew) await announceCommand(context, started.command);
  return started;
}

type Parts = { input: StartBackup; item: ItemRow; disks: number[]; at: Date };

async function orderBackup(db: Db, caller: Caller, { input, item, disks, at }: Parts): Promise<StartedBackup> {
  const { agentId, vmContextId, vmName } = item;
  const restorePointId = `restore-point-${vmContextId}-${timeInName(at)}`;
  const ids = new Map<number, string>();
  for (const disk of disks) ids.set(disk, await freeBackupId(db, item, disk, at));
  const { command } = await orderCommand(
    db,
    caller,
    {
      agentId,
      kind: "backup.start",
      arguments: {
        vm_context_id: vmContextId,
        repository_id: input.repositoryId,
        disks: input.diskId === "all" ? null : disks,
        backup_type: input.backupType,
        backup_ids: Object.fromEntries([...ids].map(([disk, id]) => [String(disk), id])),
        policy_id: input.policyId,
        tags: input.tags,
        restore_point_id: restorePointId,
      },
      idempotencyKey: input.idempotencyKey,
    },
    at,
  );
  const { repositoryId, backupType, policyId, tags } = input;
  const same = { agentId, vmContextId, vmName, repositoryId, backupType, policyId, tags, restorePointId };
  const backups = [...ids].map(([diskId, backupId]) =>
    pendingBackup({ ...same, diskId, backupId, commandId: command.commandId, createdAt: at }),
  );
  await addRows(db, db.tables.backups, backups, { backupId: db.tables.backups.backupId });
  const details = { command_id: command.commandId, backup_ids: [...ids.values()] };
  const subject = `${agentId}/${vmContextId}`;
  await recordAudit(db, caller, { action: "backups.start", subject, outcome: "accepted", details }, at);
  return { command, restorePointId, backups };
}

/** The same key again: what came of it the first time. CONFLICT when it asked for something else then. */
async function startedBefore(db: Db, caller: Caller, input: StartBackup): Promise<StartedBackup | undefined> {
  const key = commandKey(caller, input.idempotencyKey);
  if (key === null) return undefined;
  const { commands, backups } = db.tables;
  const [command] = await db.select().from(commands).where(eq(commands.idempotencyKey, key));
  if (command === undefined) return undefined;
  const rows = await db.select().from(backups).where(eq(backups.commandId, command.commandId));
  const known = command.arguments;
  const isSame =
    known["repository_id"] === input.repositoryId &&
    known["backup_type"] === input.backupType &&
    isDeepStrictEqual(known["tags"], input.tags) &&
    isDeepStrictEqual(known["disks"], input.diskId === "all" ? null : [input.diskId]) &&
    rows.every(({ vmName }) => vmName === input.vmName);
  if (command.kind !== "backup.start" || !isSame)
    throw new ControllerError("CONFLICT", {
      message: "this idempotency key was used for something else",
      details: `command ${command.commandId}`,
    });
  return { command, restorePointId: String(known["restore_point_id"]), backups: rows };
}

/** Unlike any id of this agent that is known; the host adds a suffix when it knows one that we do not. */
async function freeBackupId(db: Db, { agentId, vmName }: ItemRow, diskId: number, at: Date): Promise<string> {
  const { backups } = db.tables;
  const base = makeBackupId(vmName, diskId, at, () => false);
  // '.' follows '-', so this is the id itself and the same with a suffix.
  const alike = await db
    .select({ id: backups.backupId })
    .from(backups)
    .where(and(eq(backups.agentId, agentId), gte(backups.backupId, base), lt(backups.backupId, `${base}.`)));
  const taken = new Set(alike.map(({ id }) => id));
  return makeBackupId(vmName, diskId, at, (id) => taken.has(id));
}

async function checkRepository(db: Db, { agentId }: ItemRow, repositoryId: string): Promise<void> {
  const { repositories: r } = db.tables;
  const [row] = await db
    .select({ id: r.repositoryId })
    .from(r)
    .where(and(eq(r.agentId, agentId), eq(r.repositoryId, repositoryId), isNull(r.retiredAt)));
  if (row === undefined)
    throw new ControllerError("NOT_FOUND", { message: `the item's agent has no repository ${repositoryId}` });
}

function chooseDisks({ definition }: ItemRow, asked: number | "all"): number[] {
  const disks = Array.isArray(definition["disks"]) ? (definition["disks"] as { disk_id: number }[]) : [];
  const known = disks.map(({ disk_id }) => disk_id).sort((a, b) => a - b);
  if (asked === "all") return known;
  if (known.includes(asked)) return [asked];
  throw invalidFields([{ path: "disk_id", message: `is no disk of this item, which has ${known.join(", ")}` }]);
}
