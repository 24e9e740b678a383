/** An item's whole turn: back up, verify and drill each disk, then remove what is past its retention. */
import type { Drill, ItemEntry, RepositoryEntry, Sidecar, Verification } from "@holdfast/protocol";
import { asHoldfastError, type HoldfastError } from "../errors.ts";
import { readDisk } from "../repository/catalogue.ts";
import type { Repository } from "../repository/marker.ts";
import { backUpItem, jobOf } from "./back-up-item.ts";
import type { ItemRuns, RunContext } from "./context.ts";
import { type DiskExpiry, expireItem, isRetained } from "./expire-item.ts";
import { withItem } from "./item-lock.ts";
import { drillTarget, verifyTarget } from "./prove-target.ts";
import { readingKey } from "./repository-keys.ts";

export type ProvenDisk = { backup: Sidecar; verification: Verification; drill: Drill };

/** `disks` and `expired` hold what was done before the error came. */
export type ItemTurn = { item: ItemEntry; disks: ProvenDisk[]; expired: DiskExpiry[]; error: HoldfastError | null };

/** Nothing old goes before what is to take its place was restored once. Never throws: what went wrong is in the result. */
export async function runItem(
  context: RunContext,
  repositories: readonly RepositoryEntry[],
  item: ItemEntry,
): Promise<ItemTurn> {
  const disks: ProvenDisk[] = [];
  const expired: DiskExpiry[] = [];
  try {
    const job = await jobOf(repositories, item, "auto");
    const { repository } = job;
    await withItem(context, item.vm_context_id, `run of ${item.vm_name}`, async (runs) => {
      const { backups } = await backUpItem(runs, job);
      for (const backup of backups) disks.push(await prove(runs, repository, backup));
      if (isRetained(item) && disks.every(isProven)) await expireItem(runs, repository, item, expired);
    });
    return { item, disks, expired, error: null };
  } catch (error) {
    return { item, disks, expired, error: asHoldfastError(error, `running ${item.vm_name}`) };
  }
}

async function prove(runs: ItemRuns, repository: Repository, backup: Sidecar): Promise<ProvenDisk> {
  const disk = await readDisk(repository, { vmContextId: backup.vm_context_id, diskId: backup.disk_id });
  const target = { repository, disk, backupId: backup.backup_id };
  const options = { keys: await readingKey(runs.rules.state_dir, repository) };
  const verification = await verifyTarget(runs, target, options);
  return { backup, verification, drill: await drillTarget(runs, target, options) };
}

export function isProven({ verification, drill }: ProvenDisk): boolean {
  return verification.status === "passed" && drill.status === "passed";
}
