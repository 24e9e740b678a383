/** Which stored backups a command means. */
import type { Sidecar } from "@holdfast/protocol";
import { backupId } from "@holdfast/protocol";
import { type CatalogueDisk, newestPoint, placedBackups } from "../repository/catalogue.ts";
import { storedDisks, type Target, targetIn, unknownTarget } from "../runner/target.ts";
import type { Host } from "./host.ts";
import { askedRepositories } from "./repositories.ts";

export type TargetQuestion = {
  /** A backup id, an item's vm_context_id or its name; undefined: every item. */
  what: string | undefined;
  /** Every backup, not the newest of each disk only. */
  all: boolean;
  repository: string | undefined;
};

/** The backups meant, oldest first within a disk. NOT_FOUND when something was named that is not there. */
export async function findTargets(host: Host, question: TargetQuestion): Promise<Target[]> {
  const stored = await storedDisks(await askedRepositories(host, question.repository));
  const { what, all } = question;
  if (what !== undefined && backupId.safeParse(what).success) return [targetIn(stored, what)];
  const meant = stored.filter(({ disk }) => what === undefined || isItem(disk, what));
  if (what !== undefined && meant.length === 0) throw unknownTarget(what);
  return meant.flatMap(({ repository, disk }) =>
    (all ? placedBackups(disk) : newestOf(disk)).map((backup) => ({ repository, disk, backupId: backup.backup_id })),
  );
}

/** The one backup with this id. */
export async function findTarget(host: Host, id: string, repository: string | undefined): Promise<Target> {
  return targetIn(await storedDisks(await askedRepositories(host, repository)), id);
}

function isItem(disk: CatalogueDisk, what: string): boolean {
  return disk.disk.vmContextId === what || placedBackups(disk).at(-1)?.vm_name === what;
}

function newestOf(disk: CatalogueDisk): Sidecar[] {
  const newest = newestPoint(disk);
  return newest === undefined ? [] : [newest];
}
