import type { CommandChanged, Problem } from "@holdfast/protocol";
import { backupNotMade } from "../../../domain/backup.ts";
import { isCommandEnd, stepCommand } from "../../../domain/command.ts";
import type { CommandRow } from "../work.ts";
import { backupsOfCommand, isOpen } from "./backups-of-command.ts";
import type { Handler } from "./handler.ts";

/** With a command's end, what it should have made and did not is known not to be made. */
export const commandChanged: Handler<"command_changed"> = (body, { agentId, now, work }) => {
  const known = work.commands.get(body.command_id);
  if (known === undefined) return "this command is not known";
  if (known.agentId !== agentId) return "this command is another agent's";
  const { state, deadline, cancelRequestedAt } = known;
  const facts = { state, deadline: deadline.getTime(), cancelRequested: cancelRequestedAt !== null };
  // One that was cancelled before it had begun is told to the host as one whose time is over.
  const told = body.state === "expired" && facts.cancelRequested ? { ...body, state: "cancelled" as const } : body;
  const step = stepCommand(facts, { type: "told", state: told.state }, now.getTime());
  if (!step.changed) return null;
  const command = changed(known, told);
  work.commands.put(command);
  if (!isCommandEnd(command.state)) return null;
  for (const backup of backupsOfCommand(work, agentId, command.commandId).filter(isOpen)) {
    const status = command.state === "cancelled" ? "cancelled" : "failed";
    work.backups.put(backupNotMade(backup, status, body.error ?? notMade(command), new Date(body.at)));
  }
  return null;
};

function changed(known: CommandRow, body: CommandChanged): CommandRow {
  const ended = isCommandEnd(body.state);
  return {
    ...known,
    state: body.state,
    runIds: [...new Set([...known.runIds, ...body.run_ids])].slice(0, 20),
    result: ended ? body.result : null,
    error: ended ? body.error : null,
    finishedAt: ended ? new Date(body.at) : null,
  };
}

function notMade({ state }: CommandRow): Problem {
  return { code: "NOT_MADE", message: `its command ended as ${state} without this backup`, remedy: null };
}
