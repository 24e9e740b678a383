import { randomUUID } from "node:crypto";
import { and, eq, inArray, isNull } from "drizzle-orm";
import { actorName, type Caller } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { recordAudit } from "../audit/record.ts";
import { cancelCommand } from "../commands/cancel-command.ts";
import type { OrderContext } from "../commands/order.ts";
import { findAgent } from "../lists/find-agent.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import type { HoldRow } from "./open-holds.ts";

export type NewHold = Pick<HoldRow, "agentId" | "vmContextId" | "backupId" | "kind" | "until" | "reason">;
/** `underWay`: removals of what is held that a host had been told of; it is asked to leave off. */
export type MadeHold = { hold: HoldRow; underWay: string[] };

/**
 * Nothing that is held is removed, by anyone; removals that were asked for before are ended. NOT_FOUND;
 * VALIDATION_ERROR: an end that is over, or a promise without one.
 */
export async function createHold(context: OrderContext, caller: Caller, wish: NewHold): Promise<MadeHold> {
  const at = context.now();
  if (wish.until !== null && wish.until <= at)
    throw invalidFields([{ path: "until", message: "must lie in the future" }]);
  if (wish.kind === "immutable" && wish.until === null)
    throw invalidFields([{ path: "until", message: "a promise has an end; a hold without one is a legal hold" }]);
  const { hold, ended } = await context.store.write(async (db) => {
    const ids = await heldIds(db, caller, wish);
    const author = actorName(caller.actor);
    const row: HoldRow = {
      ...{ holdId: randomUUID(), ...wish, createdAt: at, createdBy: author },
      ...{ releasedAt: null, releasedBy: null, releaseReason: null },
    };
    await db.insert(db.tables.holds).values(row).execute();
    const details = { kind: wish.kind, until: wish.until, reason: wish.reason };
    const subject = [wish.agentId, wish.vmContextId, ...(wish.backupId === null ? [] : [wish.backupId])].join("/");
    await recordAudit(db, caller, { action: "holds.create", subject, outcome: "done", details }, at);
    return { hold: row, ended: await endRemovals(db, wish.agentId, ids, { author, now: at }) };
  });
  const underWay = ended.filter(({ tellAgent }) => tellAgent).map(({ command }) => command.commandId);
  for (const commandId of underWay) await context.delivery.cancelled(wish.agentId, commandId);
  return { hold, underWay };
}

/** The backups that are held now. NOT_FOUND for an item of which nothing is known, and for a backup that is not its. */
async function heldIds(db: Db, { actor }: Caller, { agentId, vmContextId, backupId }: NewHold): Promise<Set<string>> {
  await findAgent(db, actor, agentId);
  const { backups: b, items: i } = db.tables;
  const rows = await db
    .select({ id: b.backupId })
    .from(b)
    .where(and(eq(b.vmContextId, vmContextId), eq(b.agentId, agentId), isNull(b.removedAt)));
  const ids = rows.map(({ id }) => id);
  if (backupId !== null) {
    if (ids.includes(backupId)) return new Set([backupId]);
    throw new ControllerError("NOT_FOUND", { message: `${vmContextId} has no backup ${backupId}` });
  }
  const [item] = await db
    .select({ id: i.vmContextId })
    .from(i)
    .where(and(eq(i.agentId, agentId), eq(i.vmContextId, vmContextId)));
  if (item === undefined && ids.length === 0)
    throw new ControllerError("NOT_FOUND", { message: `the agent has no item ${vmContextId}` });
  return new Set(ids);
}

async function endRemovals(db: Db, agentId: string, ids: ReadonlySet<string>, by: { author: string; now: Date }) {
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
  const ended = [];
  for (const { commandId, arguments: values } of open) {
    const named = values["backup_ids"];
    if (Array.isArray(named) && named.some((id) => ids.has(String(id))))
      ended.push(await cancelCommand(db, commandId, by));
  }
  return ended;
}
