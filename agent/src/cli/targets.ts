/** Which stored backups a command means. */
import type { Sidecar } from "@holdfast/protocol";
import { backupId } from "@holdfast/protocol";
import { HoldfastError } from "../errors.ts";
import { type CatalogueDisk, newestPoint, placedBackups, readCatalogue } from "../repository/catalogue.ts";
import { sidecarName } from "../repository/layout.ts";
import type { Repository } from "../repository/marker.ts";
import type { Host } from "./host.ts";
import { askedRepositories } from "./repositories.ts";

export type Target = { repository: Repository; disk: CatalogueDisk; backupId: string };

export type TargetQuestion = {
  /** A backup id, an item's vm_context_id or its name; undefined: every item. */
  what: string | undefined;
  /** Every backup, not the newest of each disk only. */
  all: boolean;
  repository: string | undefined;
};

type StoredDisk = { repository: Repository; disk: CatalogueDisk };

/** The backups meant, oldest first within a disk. NOT_FOUND when something was named that is not there. */
export async function findTargets(host: Host, question: TargetQuestion): Promise<Target[]> {
  const stored = await storedDisks(host, question.repository);
  const { what, all } = question;
  if (what !== undefined && backupId.safeParse(what).success) return [oneTarget(stored, what)];
  const meant = stored.filter(({ disk }) => what === undefined || isItem(disk, what));
  if (what !== undefined && meant.length === 0) throw notFound(what);
  return meant.flatMap(({ repository, disk }) =>
    (all ? placedBackups(disk) : newestOf(disk)).map((backup) => ({ repository, disk, backupId: backup.backup_id })),
  );
}

/** The one backup with this id. */
export async function findTarget(host: Host, id: string, repository: string | undefined): Promise<Target> {
  return oneTarget(await storedDisks(host, repository), id);
}

async function storedDisks(host: Host, repository: string | undefined): Promise<StoredDisk[]> {
  const stored: StoredDisk[] = [];
  for (const one of await askedRepositories(host, repository))
    for (const disk of await readCatalogue(one)) stored.push({ repository: one, disk });
  return stored;
}

/** Also one whose sidecar is damaged, so that what works on it can say so. */
function oneTarget(stored: readonly StoredDisk[], id: string): Target {
  const found = stored.find(
    ({ disk }) =>
      [...placedBackups(disk), ...disk.unplaced].some((backup) => backup.backup_id === id) ||
      disk.findings.some(({ file }) => file === sidecarName(id)),
  );
  if (found !== undefined) return { ...found, backupId: id };
  throw notFound(id);
}

function isItem(disk: CatalogueDisk, what: string): boolean {
  return disk.disk.vmContextId === what || placedBackups(disk).at(-1)?.vm_name === what;
}

function newestOf(disk: CatalogueDisk): Sidecar[] {
  const newest = newestPoint(disk);
  return newest === undefined ? [] : [newest];
}

function notFound(what: string): HoldfastError {
  return new HoldfastError("NOT_FOUND", {
    message: `there is no backup and no item ${JSON.stringify(what)} in the repositories looked at`,
    remedy: "List what there is: holdfast-agent repository list.",
  });
}
