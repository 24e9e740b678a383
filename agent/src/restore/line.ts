import type { Finding, Sidecar } from "@holdfast/protocol";
import { HoldfastError } from "../errors.ts";
import { type CatalogueDisk, placedBackups } from "../repository/catalogue.ts";
import { checkedBackupId, sidecarName } from "../repository/layout.ts";

/** A restore point's backups, oldest first, the point itself last. */
export type Line = {
  backup: Sidecar;
  layers: readonly Sidecar[];
  /** Why it does not reach down to a full; empty when it does. */
  broken: readonly Finding[];
};

/**
 * Finds a backup and its ancestors, also when some are missing. NOT_FOUND when the disk has no such backup,
 * REPOSITORY_DAMAGED when its own sidecar is the damaged thing.
 */
export function findLine(disk: CatalogueDisk, backupId: string): Line {
  checkedBackupId(backupId);
  const all = [...placedBackups(disk), ...disk.unplaced];
  const byId = new Map(all.map((backup) => [backup.backup_id, backup]));
  const backup = byId.get(backupId);
  if (backup === undefined) throw notReadable(disk, backupId);
  const layers = [backup];
  for (let at = backup; at.parent_backup_id !== null; ) {
    const parent = byId.get(at.parent_backup_id);
    if (parent === undefined) return { backup, layers, broken: missingParent(disk, at, at.parent_backup_id) };
    if (layers.includes(parent)) return { backup, layers, broken: [loop(at)] };
    layers.unshift(parent);
    at = parent;
  }
  return { backup, layers, broken: [] };
}

/** As `findLine`, for those who need all of it: REPOSITORY_DAMAGED when a parent is missing. */
export function wholeLine(disk: CatalogueDisk, backupId: string): Line {
  const line = findLine(disk, backupId);
  const [fault] = line.broken;
  if (fault === undefined) return line;
  throw new HoldfastError("REPOSITORY_DAMAGED", {
    message: `${backupId} cannot be restored: ${fault.message}`,
    remedy: "Bring the missing file back from a copy of the repository, or restore an older point.",
  });
}

function notReadable(disk: CatalogueDisk, backupId: string): HoldfastError {
  const damage = damageOf(disk, backupId)[0];
  if (damage !== undefined) return new HoldfastError("REPOSITORY_DAMAGED", { message: damage.message });
  const { diskId, vmContextId } = disk.disk;
  return new HoldfastError("NOT_FOUND", {
    message: `${backupId} is not a backup of disk ${diskId} of ${vmContextId}`,
    remedy: "List what there is: holdfast-agent repository list.",
  });
}

function damageOf(disk: CatalogueDisk, backupId: string): Finding[] {
  return disk.findings.filter(({ file }) => file === sidecarName(backupId));
}

function missingParent(disk: CatalogueDisk, child: Sidecar, parentId: string): Finding[] {
  const message = `${child.backup_id} needs ${parentId}, which is missing or has no readable sidecar`;
  return [{ code: "PARENT_MISSING", message, file: sidecarName(parentId) }, ...damageOf(disk, parentId)];
}

function loop(child: Sidecar): Finding {
  const message = `the parents of ${child.backup_id} lead back to themselves`;
  return { code: "CHAIN_LOOPS", message, file: sidecarName(child.backup_id) };
}
