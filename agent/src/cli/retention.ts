/** Retention of an item's disks: the plan, its execution as runs of the ledger, and both in words. */
import type { Finding, ItemEntry } from "@holdfast/protocol";
import { HoldfastError } from "../errors.ts";
import { expireDisk, planDiskExpiry } from "../repository/expire.ts";
import type { ExpiryPlan, Retention } from "../repository/expiry-plan.ts";
import type { Repository } from "../repository/marker.ts";
import { recordRun } from "../runner/record-run.ts";
import { countText } from "./format.ts";
import { floorOf, type Host } from "./host.ts";

/** `removed` is null for a plan that was only made. */
export type DiskExpiry = { diskId: number; plan: ExpiryPlan; removed: string[] | null; findings: Finding[] };

export type RetainedItem = ItemEntry & { retention_days: number };

export function isRetained(item: ItemEntry): item is RetainedItem {
  return item.retention_days !== undefined;
}

/** What `expireItem` would do; changes nothing. */
export async function planItem(host: Host, repository: Repository, item: RetainedItem): Promise<DiskExpiry[]> {
  const plans: DiskExpiry[] = [];
  for (const { disk_id: diskId } of item.disks) {
    const disk = { vmContextId: item.vm_context_id, diskId };
    const plan = await planDiskExpiry(repository, disk, retentionOf(host, item));
    plans.push({ diskId, plan, removed: null, findings: [] });
  }
  return plans;
}

/** Removes the item's expired chains; the item's lock is held. `done` gets each disk's result, also before an error. */
export async function expireItem(
  host: Host,
  ledger: string,
  repository: Repository,
  item: RetainedItem,
  done: DiskExpiry[],
): Promise<void> {
  for (const { disk_id: diskId } of item.disks) {
    if (host.signal.aborted) throw new HoldfastError("CANCELLED", { message: "cancelled" });
    const disk = { vmContextId: item.vm_context_id, diskId };
    const subject = `expired chains of disk ${diskId}`;
    const about = { kind: "removal", item: item.vm_context_id, subject, now: host.now } as const;
    const value = await recordRun(ledger, about, async () => {
      const result = await expireDisk(repository, disk, retentionOf(host, item));
      const { removed, findings } = result;
      const failures = findings.map(({ message }) => message);
      const outcome = [`removed ${removed.join(", ") || "nothing"}`, ...failures].join("; ");
      return { value: result, outcome };
    });
    done.push({ diskId, ...value });
  }
}

function retentionOf(host: Host, { retention_days }: RetainedItem): Retention {
  return { retentionDays: retention_days, floor: floorOf(host), now: host.now() };
}

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
