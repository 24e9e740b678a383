/** Lists of what a repository holds, against what the controller believes to be there (pure). */
import { type EventOf, isInRange } from "@holdfast/protocol";
import type { Backup } from "./backup.ts";

export type Listing = EventOf<"backups_listed"> | EventOf<"items_listed">;

/** What of a backup a list is about. */
export type Listable = Pick<
  Backup,
  "backupId" | "repositoryId" | "vmContextId" | "status" | "completedAt" | "removedAt"
>;

/** Whether a backup is believed to be where the list shows it missing. One completed since then is not on it. */
export function isUnlisted({ kind, body }: Listing, backup: Listable): boolean {
  const { status, completedAt, removedAt } = backup;
  if (status !== "completed" || removedAt !== null || completedAt === null) return false;
  if (backup.repositoryId !== body.repository_id || completedAt >= new Date(body.at)) return false;
  if (kind === "items_listed")
    return isInRange(body.range, backup.vmContextId) && !body.vm_context_ids.includes(backup.vmContextId);
  if (backup.vmContextId !== body.vm_context_id) return false;
  return isInRange(body.range, backup.backupId) && !body.backup_ids.includes(backup.backupId);
}

/** Nobody told of its end, at least not this controller. */
export function backupNoLongerThere(backup: Backup, { body }: Listing): Backup {
  const removedReason = "not in the repository any more (noticed when the host told its facts again)";
  return { ...backup, removedAt: new Date(body.at), removedReason };
}
