import { placedKey } from "../work.ts";
import type { Handler } from "./handler.ts";

export const backupPinned: Handler<"backup_pinned"> = (body, { agentId, work }) => {
  const known = work.backups.get(placedKey(agentId, body.backup_id));
  if (known === undefined) return "this backup is not known";
  work.backups.put({ ...known, pinned: body.pinned, pinReason: body.pinned ? body.reason : null });
  return null;
};
