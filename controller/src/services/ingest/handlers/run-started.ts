import { backupBegun } from "../../../domain/backup.ts";
import { runWithStart } from "../../../domain/run.ts";
import { backupsOfCommand } from "./backups-of-command.ts";
import type { Handler } from "./handler.ts";

/** The backups that were asked for by the run's command begin with it. */
export const runStarted: Handler<"run_started"> = (body, { agentId, now, work }) => {
  const known = work.runs.get(body.run_id);
  if (known !== undefined && known.agentId !== agentId) return "another agent's run has this id";
  const run = runWithStart(known, body, { agentId, now });
  work.runs.put(run);
  if (run.state !== "running" || body.command_id === null) return null;
  for (const backup of backupsOfCommand(work, agentId, body.command_id))
    if (backup.status === "pending") work.backups.put(backupBegun(backup, body));
  return null;
};
