import type { CommandState } from "@holdfast/protocol";
import { and, eq } from "drizzle-orm";
import { type Actor, actorName, type Caller, maySeeAgent } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { recordAudit } from "../audit/record.ts";
import type { ServiceContext } from "../context.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { visibleAgent } from "../lists/visible.ts";
import { cancelCommand } from "./cancel-command.ts";
import { type CommandRow, findCommand } from "./command-row.ts";
import type { OrderContext } from "./order.ts";

export type CommandQuery = PageRequest & {
  agentId?: string | undefined;
  kind?: string | undefined;
  state?: CommandState | undefined;
};

/** Commands, newest first. */
export async function listCommands(
  { store }: ServiceContext,
  actor: Actor,
  query: CommandQuery,
): Promise<Page<CommandRow>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { commands: table } = db.tables;
    const keyset = { table, at: table.createdAt, ids: [table.commandId] };
    const where = and(
      agentId === undefined ? undefined : eq(table.agentId, agentId),
      query.kind === undefined ? undefined : eq(table.kind, query.kind),
      query.state === undefined ? undefined : eq(table.state, query.state),
    );
    const keyOf = (row: CommandRow) => ({ at: row.createdAt, ids: [row.commandId] });
    return await readRows(db, keyset, query, where, keyOf);
  });
}

/** NOT_FOUND. */
export async function getCommand({ store }: ServiceContext, actor: Actor, commandId: string): Promise<CommandRow> {
  return await store.read((db) => visibleCommand(db, actor, commandId));
}

/** Ends a command of this actor's agents, at once when it was never sent. NOT_FOUND, CONFLICT when it has ended. */
export async function endCommand(context: OrderContext, caller: Caller, commandId: string): Promise<CommandRow> {
  const now = context.now();
  const { command, tellAgent } = await context.store.write(async (db) => {
    await visibleCommand(db, caller.actor, commandId);
    const cancelled = await cancelCommand(db, commandId, { author: actorName(caller.actor), now });
    const outcome = cancelled.tellAgent ? "accepted" : "done";
    await recordAudit(db, caller, { action: "commands.cancel", subject: commandId, outcome }, now);
    return cancelled;
  });
  if (tellAgent) await context.delivery.cancelled(command.agentId, commandId);
  return command;
}

async function visibleCommand(db: Db, actor: Actor, commandId: string): Promise<CommandRow> {
  const row = await findCommand(db, commandId);
  if (row === undefined || !maySeeAgent(actor, row.agentId))
    throw new ControllerError("NOT_FOUND", { message: `there is no command ${commandId}` });
  return row;
}
