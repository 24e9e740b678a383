import { HoldfastError } from "../../errors.ts";
import { readDisk } from "../../repository/catalogue.ts";
import { entryAt, explained } from "../../repository/files.ts";
import { diskFolder, sidecarPath } from "../../repository/layout.ts";
import type { Repository } from "../../repository/marker.ts";
import { openRepository } from "../../repository/marker.ts";
import { listDisks } from "../../repository/scan.ts";
import { type Target, unknownTarget } from "../../runner/target.ts";
import type { ServiceHost } from "../service-host.ts";

/** Opens a repository that this host protects, by its id. NOT_FOUND, and what `openRepository` throws. */
export async function protectedRepository(host: ServiceHost, repositoryId: string): Promise<Repository> {
  const entry = host.protected().repositories.find(({ repository_id }) => repository_id === repositoryId);
  if (entry !== undefined) return await openRepository(entry.path, repositoryId);
  throw new HoldfastError("NOT_FOUND", {
    message: `this host has no repository ${repositoryId}`,
    remedy: "See which repositories it reports, and which it refused.",
  });
}

/** The backup, also one whose sidecar is damaged; of the repository only its disk is read. NOT_FOUND. */
export async function findTarget(repository: Repository, backupId: string): Promise<Target> {
  return await explained(`looking for ${backupId}`, async () => {
    for (const ref of (await listDisks(repository.path)).disks) {
      if (!backupId.includes(`-disk${ref.diskId}-`)) continue;
      if ((await entryAt(sidecarPath(diskFolder(repository.path, ref), backupId))) === undefined) continue;
      return { repository, disk: await readDisk(repository, ref), backupId };
    }
    throw unknownTarget(backupId);
  });
}
