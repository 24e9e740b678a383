/** The verb behind `repository delete`: lock, tidy, plan, remove. */
import { type CatalogueDisk, readDisk } from "./catalogue.ts";
import type { RemovalResult, RemovalStep } from "./complete-removal.ts";
import { readAllEvidence } from "./evidence.ts";
import { type DiskRef, diskFolder, lockPath } from "./layout.ts";
import { acquireLock } from "./lock.ts";
import type { Repository } from "./marker.ts";
import type { Floor } from "./removal-rules.ts";
import { planRemoval, refuseUnlessAllowed, removeBackups } from "./remove.ts";
import { tidyDisk } from "./tidy.ts";

/**
 * Removes exactly these backups of one disk, or none of them. Errors: BUSY while a job runs on the disk, CONFLICT
 * with the dependents' ids, FLOOR with the rule that protects one.
 */
export async function deleteBackups(
  repository: Repository,
  disk: DiskRef,
  ids: readonly string[],
  options: { floor: Floor; now: Date; onStep?: (step: RemovalStep) => void },
): Promise<RemovalResult & { disk: CatalogueDisk }> {
  const folder = diskFolder(repository.path, disk);
  const lock = await acquireLock(lockPath(folder), `removing ${ids.join(", ").slice(0, 500)}`);
  try {
    await tidyDisk(folder);
    const before = await readDisk(repository, disk);
    const evidence = await readAllEvidence(before);
    const plan = planRemoval({ disk: before, evidence, ids, floor: options.floor, now: options.now });
    refuseUnlessAllowed(plan);
    const result = await removeBackups(repository, disk, plan, options);
    return { ...result, disk: await readDisk(repository, disk) };
  } finally {
    lock.release();
  }
}
