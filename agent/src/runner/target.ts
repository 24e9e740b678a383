/** One stored backup that something is to be done with. */
import { HoldfastError } from "../errors.ts";
import { type CatalogueDisk, placedBackups, readCatalogue } from "../repository/catalogue.ts";
import { sidecarName } from "../repository/layout.ts";
import type { Repository } from "../repository/marker.ts";

export type StoredDisk = { repository: Repository; disk: CatalogueDisk };
export type Target = StoredDisk & { backupId: string };

/** Every disk of these repositories. */
export async function storedDisks(repositories: readonly Repository[]): Promise<StoredDisk[]> {
  const stored: StoredDisk[] = [];
  for (const repository of repositories)
    for (const disk of await readCatalogue(repository)) stored.push({ repository, disk });
  return stored;
}

/** The backup with this id, also one whose sidecar is damaged, so that what works on it can say so. NOT_FOUND. */
export function targetIn(stored: readonly StoredDisk[], id: string): Target {
  const found = stored.find(
    ({ disk }) =>
      [...placedBackups(disk), ...disk.unplaced].some((backup) => backup.backup_id === id) ||
      disk.findings.some(({ file }) => file === sidecarName(id)),
  );
  if (found !== undefined) return { ...found, backupId: id };
  throw unknownTarget(id);
}

export function unknownTarget(what: string): HoldfastError {
  return new HoldfastError("NOT_FOUND", {
    message: `there is no backup and no item ${JSON.stringify(what)} in the repositories looked at`,
    remedy: "List what there is: holdfast-agent repository list.",
  });
}
