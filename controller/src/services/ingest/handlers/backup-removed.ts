import { backupRemoved as removed } from "../../../domain/backup.ts";
import { placedKey } from "../work.ts";
import type { Handler } from "./handler.ts";

/** One that was never known needs no record of its end. */
export const backupRemoved: Handler<"backup_removed"> = (body, { agentId, work }) => {
  const known = work.backups.get(placedKey(agentId, body.backup_id));
  const backup = known === undefined ? null : removed(known, body);
  if (backup !== null) work.backups.put(backup);
  return null;
};
