import { type Backup, backupBegun } from "../../../domain/backup.ts";
import { isCommandEnd } from "../../../domain/command.ts";
import { runWithStart } from "../../../domain/run.ts";
import { backupsOfCommand } from "./backups-of-command.ts";
import type { Handler } from "./handler.ts";

/** The backups that were asked for by the run's command begin with it, again where its run before did not make them. */
export const runStarted: Handler<"run_started"> = (body, { agentId, now, work }) => {
  const known = work.runs.get(body.run_id);
  if (known !== undefined && known.agentId !== agentId) return "another agent's run has this id";
  const run = runWithStart(known, body, { agentId, now });
  work.runs.put(run);
  if (run.state !== "running" || body.command_id === null) return null;
  const command = work.commands.get(body.command_id);
  const isOpen = command === undefined || !isCommandEnd(command.state);
  for (const backup of backupsOfCommand(work, agentId, body.command_id))
    if (backup.status === "pending" || (isOpen && isToBeMadeAgain(backup, body.run_id)))
      work.backups.put(backupBegun(backup, body));
  return null;
};

/** A host that was killed tells that its run was lost, is given the command anew, and begins another one. */
function isToBeMadeAgain({ status, runId }: Backup, nextRunId: string): boolean {
  return status === "failed" && runId !== null && runId !== nextRunId;
}
