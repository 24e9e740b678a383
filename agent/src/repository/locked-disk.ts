import type { CatalogueDisk } from "./catalogue.ts";
import { type EvidenceOf, readAllEvidence } from "./evidence.ts";
import { type DiskRef, diskFolder, lockPath } from "./layout.ts";
import { acquireLock } from "./lock.ts";
import type { Repository } from "./marker.ts";
import { tidyDisk } from "./tidy.ts";

export type TidyDisk = {
  disk: CatalogueDisk;
  evidence: EvidenceOf;
  /** What `tidyDisk` brought to its end. */
  resumed: string[];
};

/** Runs `work` on a disk that is locked, tidy and freshly read. BUSY while a job runs on it. */
export async function withTidyDisk<T>(
  repository: Repository,
  disk: DiskRef,
  purpose: string,
  work: (tidy: TidyDisk) => Promise<T>,
): Promise<T> {
  const folder = diskFolder(repository.path, disk);
  const lock = await acquireLock(lockPath(folder), purpose);
  try {
    const { resumed, disk: tidied } = await tidyDisk(folder);
    return await work({ disk: tidied, evidence: await readAllEvidence(tidied), resumed });
  } finally {
    lock.release();
  }
}
