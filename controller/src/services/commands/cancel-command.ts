import type { Problem } from "@holdfast/protocol";
import { eq } from "drizzle-orm";
import { isCommandEnd, stepCommand } from "../../domain/command.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { type CommandRow, endBackupsOf, factsOf, findCommand } from "./command-row.ts";

/** `tellAgent`: it may have begun, so `delivery.cancelled` is to be called after the commit. */
export type CancelledCommand = { command: CommandRow; tellAgent: boolean };

/**
 * Ends a command that was never sent at once, and asks the agent to end one that was; twice is no error. In the caller's
 * own transaction. NOT_FOUND; CONFLICT when it has ended otherwise.
 */
export async function cancelCommand(
  db: Db,
  commandId: string,
  { author, now }: { author: string; now: Date },
): Promise<CancelledCommand> {
  const known = await findCommand(db, commandId);
  if (known === undefined) throw new ControllerError("NOT_FOUND", { message: "there is no such command" });
  if (known.state === "cancelled") return { command: known, tellAgent: false };
  if (isCommandEnd(known.state))
    throw new ControllerError("CONFLICT", { message: `this command has ended already: ${known.state}` });
  const step = stepCommand(factsOf(known), { type: "cancel" }, now.getTime());
  const ended = isCommandEnd(step.facts.state);
  const error: Problem = { code: "CANCELLED", message: `cancelled by ${author} before it was sent`, remedy: null };
  const command: CommandRow = {
    ...known,
    state: step.facts.state,
    cancelRequestedAt: known.cancelRequestedAt ?? now,
    ...(ended ? { finishedAt: now, error } : {}),
  };
  const { commands } = db.tables;
  await db.update(commands).set(command).where(eq(commands.commandId, commandId)).execute();
  if (ended) await endBackupsOf(db, command, { status: "cancelled", error, at: now });
  return { command, tellAgent: step.effects.includes("cancel") };
}
