/** The verb behind `repository delete`: lock, tidy, plan, remove. */
import { type CatalogueDisk, readDisk } from "./catalogue.ts";
import type { RemovalOptions, RemovalResult } from "./complete-removal.ts";
import type { DiskRef } from "./layout.ts";
import { withTidyDisk } from "./locked-disk.ts";
import type { Repository } from "./marker.ts";
import type { Floor } from "./removal-rules.ts";
import { planRemoval, refuseUnlessAllowed, removeBackups } from "./remove.ts";

/**
 * Removes exactly these backups of one disk, or none of them. Errors: BUSY while a job runs on the disk, CONFLICT
 * with the dependents' ids, FLOOR with the rule that protects one.
 */
export async function deleteBackups(
  repository: Repository,
  disk: DiskRef,
  ids: readonly string[],
  options: { floor: Floor; now: Date } & Pick<RemovalOptions, "onStep" | "signal">,
): Promise<RemovalResult & { disk: CatalogueDisk }> {
  const purpose = `removing ${ids.join(", ").slice(0, 500)}`;
  return await withTidyDisk(repository, disk, purpose, async ({ disk: before, evidence }) => {
    const plan = planRemoval({ disk: before, evidence, ids, floor: options.floor, now: options.now });
    refuseUnlessAllowed(plan);
    const result = await removeBackups(repository, disk, plan, options);
    return { ...result, disk: await readDisk(repository, disk) };
  });
}
