import { backupNotMade, endOfUnmade } from "../../../domain/backup.ts";
import { runWithEnd } from "../../../domain/run.ts";
import { backupsOfCommand, isOpen } from "./backups-of-command.ts";
import type { Handler } from "./handler.ts";

/** What the run was asked to make and did not record before its end was not made. */
export const runFinished: Handler<"run_finished"> = (body, { agentId, now, work }) => {
  const known = work.runs.get(body.run_id);
  if (known !== undefined && known.agentId !== agentId) return "another agent's run has this id";
  const run = runWithEnd(known, body, { agentId, now });
  if (run === null) return null;
  work.runs.put(run);
  if (run.commandId === null) return null;
  const asked = backupsOfCommand(work, agentId, run.commandId);
  for (const backup of asked.filter((each) => each.runId === run.runId && isOpen(each))) {
    const made = asked.filter(({ status }) => status === "completed");
    const { status, error } = endOfUnmade(backup, body, made);
    work.backups.put(backupNotMade(backup, status, error, new Date(body.ended_at)));
  }
  return null;
};
