/** Retention of an item's disks: the plan, and its execution as runs of the ledger. */
import type { Finding, ItemEntry } from "@holdfast/protocol";
import { HoldfastError } from "../errors.ts";
import { expireDisk, planDiskExpiry } from "../repository/expire.ts";
import type { ExpiryPlan, Retention } from "../repository/expiry-plan.ts";
import type { Repository } from "../repository/marker.ts";
import type { ItemRuns, RunContext } from "./context.ts";
import { recordRun } from "./record-run.ts";
import { floorOf } from "./remove-backups.ts";

/** `removed` is null for a plan that was only made. */
export type DiskExpiry = { diskId: number; plan: ExpiryPlan; removed: string[] | null; findings: Finding[] };

export type RetainedItem = ItemEntry & { retention_days: number };

export function isRetained(item: ItemEntry): item is RetainedItem {
  return item.retention_days !== undefined;
}

/** What `expireItem` would do; changes nothing. */
export async function planItem(
  context: Pick<RunContext, "rules" | "now">,
  repository: Repository,
  item: RetainedItem,
): Promise<DiskExpiry[]> {
  const plans: DiskExpiry[] = [];
  for (const { disk_id: diskId } of item.disks) {
    const disk = { vmContextId: item.vm_context_id, diskId };
    const plan = await planDiskExpiry(repository, disk, retentionOf(context, item));
    plans.push({ diskId, plan, removed: null, findings: [] });
  }
  return plans;
}

/** Removes the item's expired chains, disk by disk. `done` gets each disk's result, also before an error. */
export async function expireItem(
  runs: ItemRuns,
  repository: Repository,
  item: RetainedItem,
  done: DiskExpiry[],
): Promise<void> {
  for (const { disk_id: diskId } of item.disks) {
    if (runs.signal.aborted) throw new HoldfastError("CANCELLED", { message: "cancelled" });
    const disk = { vmContextId: item.vm_context_id, diskId };
    const subject = `expired chains of disk ${diskId}`;
    const reason = `older than the ${item.retention_days} days that its item is kept`;
    const value = await recordRun(runs, { kind: "removal", subject, repository, reason }, async () => {
      const result = await expireDisk(repository, disk, retentionOf(runs, item));
      const { removed, findings } = result;
      const failures = findings.map(({ message }) => message);
      const outcome = [`removed ${removed.join(", ") || "nothing"}`, ...failures].join("; ");
      return { value: result, outcome };
    });
    done.push({ diskId, ...value });
  }
}

function retentionOf({ rules, now }: Pick<RunContext, "rules" | "now">, { retention_days }: RetainedItem): Retention {
  return { retentionDays: retention_days, floor: floorOf(rules), now: now() };
}
