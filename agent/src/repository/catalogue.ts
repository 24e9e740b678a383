/** What the repository holds, derived from sidecars alone. */
import type { Finding, Sidecar } from "@holdfast/protocol";
import { HoldfastError } from "../errors.ts";
import { type Chain, linkChains } from "./chains.ts";
import { explained } from "./files.ts";
import { checkedBackupId, type DiskRef, diskFolder } from "./layout.ts";
import type { Repository } from "./marker.ts";
import { type DiskScan, listDisks, scanDisk } from "./scan.ts";

export type CatalogueDisk = {
  disk: DiskRef;
  folder: string;
  /** Oldest first; the last is the current one. */
  chains: Chain[];
  findings: Finding[];
  /** Readable, but without a whole line of parents: not restorable. */
  unplaced: Sidecar[];
  /** Backups in chains that cannot be restored as they stand: a file of theirs or of an ancestor is missing or cut. */
  unsound: string[];
};

/** Reads one disk; a folder that does not exist holds nothing. Damage is in `findings`, never thrown. */
export async function readDisk(repository: Repository, disk: DiskRef): Promise<CatalogueDisk> {
  const folder = diskFolder(repository.path, disk);
  return await explained(`reading ${folder}`, async () => {
    return assembleDisk(disk, folder, await scanDisk(repository.path, repository.repositoryId, disk));
  });
}

/** Reads every disk of the repository, in name order. */
export async function readCatalogue(repository: Repository): Promise<CatalogueDisk[]> {
  const { disks } = await explained(`reading ${repository.path}`, () => listDisks(repository.path));
  const read: CatalogueDisk[] = [];
  for (const disk of disks) read.push(await readDisk(repository, disk));
  return read;
}

/** Links what a scan found (pure). */
function assembleDisk(disk: DiskRef, folder: string, scan: DiskScan): CatalogueDisk {
  const { chains, unplaced, findings } = linkChains(scan.sidecars);
  const broken = new Set(scan.unsound);
  for (const { backups } of chains)
    for (const { backup_id, parent_backup_id } of backups)
      if (parent_backup_id !== null && broken.has(parent_backup_id)) broken.add(backup_id);
  const unsound = chains.flatMap((chain) => chain.backups.map((backup) => backup.backup_id));
  return {
    disk,
    folder,
    chains,
    findings: [...scan.findings, ...findings],
    unplaced,
    unsound: [...new Set(unsound)].filter((id) => broken.has(id)),
  };
}

/** The chains of a disk after one more backup was completed, as a look at the folder would find them (pure). */
export function chainsWith(disk: CatalogueDisk, backup: Sidecar): Pick<CatalogueDisk, "disk" | "folder" | "chains"> {
  const { chains } = linkChains([...placedBackups(disk), ...disk.unplaced, backup]);
  return { disk: disk.disk, folder: disk.folder, chains };
}

/** Every backup that stands in a chain, once: chains oldest first, parents before children. */
export function placedBackups({ chains }: Pick<CatalogueDisk, "chains">): Sidecar[] {
  return [...new Map(chains.flatMap((chain) => chain.backups).map((backup) => [backup.backup_id, backup])).values()];
}

/** The chain that the next increment belongs to; closed only when it forked. Undefined before the first backup. */
export function currentChain({ chains }: Pick<CatalogueDisk, "chains">): Chain | undefined {
  return chains.at(-1);
}

/** The restore point made last. */
export function newestPoint(disk: Pick<CatalogueDisk, "chains">): Sidecar | undefined {
  return currentChain(disk)?.backups.at(-1);
}

/** A backup and its ancestors, full first; NOT_FOUND when the id stands in no chain of this disk. */
export function lineOf(disk: CatalogueDisk, backupId: string): Sidecar[] {
  checkedBackupId(backupId);
  for (const { backups } of disk.chains) {
    const index = backups.findIndex((backup) => backup.backup_id === backupId);
    if (index >= 0) return backups.slice(0, index + 1);
  }
  throw new HoldfastError("NOT_FOUND", {
    message: `${backupId} is not a backup of disk ${disk.disk.diskId} of ${disk.disk.vmContextId}`,
    remedy: "List what there is: holdfast-agent repository list.",
  });
}

/** The disk that holds a backup; NOT_FOUND when none does. */
export function diskHolding(disks: readonly CatalogueDisk[], backupId: string): CatalogueDisk {
  checkedBackupId(backupId);
  const holding = disks.find((disk) => placedBackups(disk).some((backup) => backup.backup_id === backupId));
  if (holding !== undefined) return holding;
  throw new HoldfastError("NOT_FOUND", {
    message: `${backupId} is not in this repository`,
    remedy: "List what there is: holdfast-agent repository list.",
  });
}
