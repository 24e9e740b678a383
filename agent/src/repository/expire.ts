/** The verb behind `repository expire`: lock, tidy, plan, remove. */
import { placedBackups, readDisk } from "./catalogue.ts";
import type { RemovalResult, RemovalStep } from "./complete-removal.ts";
import { readAllEvidence } from "./evidence.ts";
import { type ExpiryPlan, planExpiry, type Retention } from "./expiry-plan.ts";
import type { DiskRef } from "./layout.ts";
import { withTidyDisk } from "./locked-disk.ts";
import type { Repository } from "./marker.ts";
import { removeBackups } from "./remove.ts";

/** What `expireDisk` would do; changes nothing. */
export async function planDiskExpiry(repository: Repository, disk: DiskRef, retention: Retention): Promise<ExpiryPlan> {
  const read = await readDisk(repository, disk);
  return planExpiry({ ...retention, disk: read, evidence: await readAllEvidence(read) });
}

/**
 * Removes the closed chains of one disk that are past retention, as far as the floor allows it. `removed` also names
 * what an earlier removal had left when it was cut off. BUSY while a job runs on the disk.
 */
export async function expireDisk(
  repository: Repository,
  disk: DiskRef,
  retention: Retention,
  options: { onStep?: (step: RemovalStep) => void } = {},
): Promise<RemovalResult & { plan: ExpiryPlan }> {
  // There is no folder to lock before the first backup.
  const before = placedBackups(await readDisk(repository, disk)).map((backup) => backup.backup_id);
  if (before.length === 0) return { plan: { remove: [], chains: [] }, removed: [], findings: [] };
  return await withTidyDisk(repository, disk, "removing expired chains", async ({ disk: tidy, evidence, resumed }) => {
    const plan = planExpiry({ ...retention, disk: tidy, evidence });
    const result = await removeBackups(repository, disk, plan, options);
    const finished = resumed.filter((id) => before.includes(id) && !isIn(tidy, id));
    return { plan, removed: [...finished, ...result.removed], findings: result.findings };
  });
}

function isIn(disk: Parameters<typeof placedBackups>[0], id: string): boolean {
  return placedBackups(disk).some((backup) => backup.backup_id === id);
}
