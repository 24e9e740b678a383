/** Retention in words and as a document. */
import type { DiskExpiry, RetainedItem } from "../runner/expire-item.ts";
import { countText } from "./format.ts";

export function diskExpiryDocument({ diskId, plan, removed, findings }: DiskExpiry): object {
  return {
    disk_id: diskId,
    chains: plan.chains.map(({ fullBackupId, backups, goes, reasons }) => ({
      full_backup_id: fullBackupId,
      backup_ids: backups.map((backup) => backup.backup_id),
      expired: goes,
      reasons,
    })),
    ...(removed === null ? { would_remove: plan.remove } : { removed }),
    findings,
  };
}

/** `removed 3 backups that are past 30 days: …`, or that nothing went. */
export function removedText({ diskId, plan, removed }: DiskExpiry, { vm_name, retention_days }: RetainedItem): string {
  const ids = removed ?? plan.remove;
  const past = `past ${countText(retention_days, "day")}`;
  const verb = removed === null ? "would remove" : "removed";
  if (ids.length === 0) return `${vm_name} disk ${diskId}: ${verb} nothing (${past})`;
  return `${vm_name} disk ${diskId}: ${verb} ${countText(ids.length, "backup")} ${past}: ${ids.join(", ")}`;
}
