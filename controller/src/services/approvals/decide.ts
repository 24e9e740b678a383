/** The second person: another credential than the one that asked. */
import type { Problem } from "@holdfast/protocol";
import { and, eq } from "drizzle-orm";
import { actorName, type Caller, maySeeAgent } from "../../domain/access.ts";
import { isCommandEnd } from "../../domain/command.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { recordAudit } from "../audit/record.ts";
import { type CommandRow, endBackupsOf, findCommand } from "../commands/command-row.ts";
import { announceCommand, type OrderContext } from "../commands/order.ts";
import { namedIn, promiseAgainst } from "../commands/refuse-forbidden.ts";
import { sameHand } from "./same-hand.ts";

type Decision = { commandId: string; reason: string };

/**
 * Lets a waiting command go to its agent. NOT_FOUND, CONFLICT when it does not wait; FORBIDDEN for its author, under
 * whatever key; PROTECTED when what it removes has been promised since.
 */
export async function approveCommand(context: OrderContext, caller: Caller, decision: Decision): Promise<CommandRow> {
  const at = context.now();
  const command = await context.store.write((db) => decide(db, caller, decision, { state: "approved", at }));
  await announceCommand(context, command);
  return command;
}

/** Ends a waiting command for good. NOT_FOUND, CONFLICT, FORBIDDEN for its author, who cancels it. */
export async function rejectCommand(
  { store, now }: OrderContext,
  caller: Caller,
  decision: Decision,
): Promise<CommandRow> {
  const at = now();
  return await store.write(async (db) => {
    const command = await decide(db, caller, decision, { state: "rejected", at });
    if (command.error !== null) await endBackupsOf(db, command, { status: "failed", error: command.error, at });
    return command;
  });
}

async function decide(
  db: Db,
  caller: Caller,
  { commandId, reason }: Decision,
  { state, at }: { state: "approved" | "rejected"; at: Date },
): Promise<CommandRow> {
  const known = await waitingCommand(db, caller, commandId, at);
  if (state === "approved") await refuseApproval(db, caller, known, at);
  const by = actorName(caller.actor);
  const { commands: c } = db.tables;
  const [command] = await db
    .update(c)
    .set({
      ...{ approvalState: state, approvalBy: by, approvalAt: at, approvalReason: reason },
      ...(state === "rejected" ? { state: "refused" as const, finishedAt: at, error: rejectedBy(by, reason) } : {}),
    })
    .where(and(eq(c.commandId, commandId), eq(c.approvalState, "needed")))
    .returning();
  if (command === undefined) throw new ControllerError("CONFLICT", { message: "it has been decided meanwhile" });
  const details = { decision: state, kind: known.kind, author: known.author, reason };
  await recordAudit(db, caller, { action: "commands.approve", subject: commandId, outcome: "done", details }, at);
  return command;
}

async function waitingCommand(db: Db, { actor }: Caller, commandId: string, at: Date): Promise<CommandRow> {
  const row = await findCommand(db, commandId);
  if (row === undefined || !maySeeAgent(actor, row.agentId))
    throw new ControllerError("NOT_FOUND", { message: `there is no command ${commandId}` });
  if (row.approvalState !== "needed")
    throw new ControllerError("CONFLICT", {
      message:
        row.approvalState === null ? "this command needs no second person" : `it was ${row.approvalState} already`,
    });
  if (isCommandEnd(row.state) || row.deadline <= at)
    throw new ControllerError("CONFLICT", { message: "this command has ended: ask for it again" });
  if (row.author === actorName(actor))
    throw new ControllerError("FORBIDDEN", {
      message: "whoever asked for it cannot approve or reject it: another person does",
    });
  return row;
}

async function refuseApproval(db: Db, { actor }: Caller, known: CommandRow, at: Date): Promise<void> {
  const same = await sameHand(db, actor, known);
  if (same !== null) throw new ControllerError("FORBIDDEN", { message: same });
  if (known.kind !== "backup.delete") return;
  const promised = await promiseAgainst(db, known.agentId, namedIn(known.arguments), at);
  if (promised !== null) throw new ControllerError("PROTECTED", { message: promised });
}

function rejectedBy(by: string, reason: string): Problem {
  return { code: "REJECTED", message: `${by} rejected it: ${reason}`, remedy: null };
}
