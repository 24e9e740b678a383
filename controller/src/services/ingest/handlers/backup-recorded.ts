import { backupRecorded as recorded } from "../../../domain/backup.ts";
import { placedKey } from "../work.ts";
import type { Handler } from "./handler.ts";

export const backupRecorded: Handler<"backup_recorded"> = (body, { agentId, now, work }) => {
  const known = work.backups.get(placedKey(agentId, body.sidecar.backup_id));
  const outcome = recorded(known, body, { agentId, now });
  if ("problem" in outcome) return outcome.problem;
  const run = body.run_id === null ? undefined : work.runs.get(body.run_id);
  // One that got another id on the host than was wished for still belongs to the command.
  const commandId = outcome.backup.commandId ?? (run?.agentId === agentId ? run.commandId : null);
  work.backups.put({ ...outcome.backup, commandId });
  return null;
};
