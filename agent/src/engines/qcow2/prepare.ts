import { freeBackupId, makeBackupId, timeInName } from "@holdfast/protocol";
import { HoldfastError } from "../../errors.ts";
import type { CatalogueDisk } from "../../repository/catalogue.ts";
import type { Chain } from "../../repository/chains.ts";
import { doubtAbout } from "../../repository/doubt.ts";
import { ensureDiskFolder } from "../../repository/files.ts";
import { checkedBackupId, lockPath } from "../../repository/layout.ts";
import { acquireLock, type Lock } from "../../repository/lock.ts";
import { tidyDisk } from "../../repository/tidy.ts";
import type { BackupRequest } from "../engine.ts";
import { openParent, type Parent } from "./parent.ts";
import type { DiskRequest } from "./source.ts";

/** A disk of the request with its folder locked and tidied, and what is known of its past. */
export type PreparedDisk = {
  request: DiskRequest;
  folder: string;
  catalogue: CatalogueDisk;
  chain: Chain | undefined;
  parent: Parent | null;
  parentProblem: string | undefined;
  /** What speaks against the parent, though not enough. */
  caution: string | undefined;
  lock: Lock;
};

type FoundParent = { parent: Parent | null; problem?: string; caution?: string | undefined };

/** The parent an increment could build on, or why there is none; found out now, because after the copy would be late. */
async function findParent(catalogue: CatalogueDisk, request: BackupRequest, at: Date): Promise<FoundParent> {
  const none = (problem?: string): FoundParent => ({ parent: null, ...(problem !== undefined && { problem }) });
  const chain = catalogue.chains.at(-1);
  const tip = chain?.backups.at(-1);
  if (request.type === "full" || chain === undefined || tip === undefined || chain.closed) return none();
  if (catalogue.unsound.includes(tip.backup_id)) return none("a file of its chain is missing or cut off");
  const { problem, caution } = await doubtAbout(catalogue.folder, catalogue.chains, at);
  if (problem !== undefined) return none(problem);
  const keyId = tip.image.encryption?.key_id ?? null;
  const wanted = request.image.key?.keyId ?? null;
  if (keyId !== wanted) return none(`its key is ${keyId ?? "none"}, the repository's key is now ${wanted ?? "none"}`);
  const parent = await openParent(catalogue, request.image.key);
  return typeof parent === "string" ? none(parent) : { parent, caution };
}

async function prepareDisk(
  request: BackupRequest,
  disk: BackupRequest["item"]["disks"][number],
  startedAt: Date,
): Promise<PreparedDisk> {
  const ref = { vmContextId: request.item.vmContextId, diskId: disk.diskId };
  const folder = await ensureDiskFolder(request.repository.path, ref);
  const lock = await acquireLock(lockPath(folder), `backup of ${request.item.vmName}, disk ${disk.diskId}`);
  try {
    const { disk: catalogue } = await tidyDisk(folder);
    const known = new Set(
      [...catalogue.chains.flatMap((chain) => chain.backups), ...catalogue.unplaced].map((b) => b.backup_id),
    );
    const taken = (id: string): boolean => known.has(id);
    const wished = request.backupIds?.[disk.diskId];
    const backupId =
      wished === undefined
        ? makeBackupId(request.item.vmName, disk.diskId, startedAt, taken)
        : freeBackupId(wishedId(wished, disk.diskId), taken);
    const chain = catalogue.chains.at(-1);
    const { parent, problem, caution } = await findParent(catalogue, request, startedAt);
    const parentId = parent?.sidecar.backup_id ?? null;
    return {
      request: { diskId: disk.diskId, spec: disk.spec, backupId, parentId },
      folder,
      catalogue,
      chain,
      parent,
      parentProblem: problem,
      caution,
      lock,
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** The disk's number stands in each id, so an id of another disk would say something false. */
function wishedId(wished: string, diskId: number): string {
  const id = checkedBackupId(wished);
  if (/-disk(\d+)-\d{8}-\d{6}(-\d+)?$/.exec(id)?.[1] === String(diskId)) return id;
  throw new HoldfastError("BAD_REQUEST", { message: `${id} is not an id for a backup of disk ${diskId}` });
}

/** Locks, tidies and reads the folders of all disks, in disk order so that two runs cannot hold each other up. */
export async function prepareDisks(request: BackupRequest, startedAt: Date): Promise<PreparedDisk[]> {
  const disks = request.item.disks.toSorted((a, b) => a.diskId - b.diskId);
  const ids = disks.map((disk) => disk.diskId);
  if (ids.length === 0 || new Set(ids).size !== ids.length) {
    throw new HoldfastError("BAD_REQUEST", {
      message: `an item needs at least one disk, each with its own number (got ${ids.join(", ")})`,
    });
  }
  const prepared: PreparedDisk[] = [];
  try {
    for (const disk of disks) prepared.push(await prepareDisk(request, disk, startedAt));
    return prepared;
  } catch (error) {
    for (const { lock } of prepared) lock.release();
    throw error;
  }
}

/** Name of the moment that all disks of a request share; no earlier moment of any of them has it. */
export function restorePointId(request: BackupRequest, startedAt: Date, disks: readonly PreparedDisk[]): string {
  const backups = disks.flatMap(({ catalogue }) => [
    ...catalogue.chains.flatMap((chain) => chain.backups),
    ...catalogue.unplaced,
  ]);
  const known = new Set(backups.map((backup) => backup.restore_point_id));
  const base = `restore-point-${request.item.vmContextId}-${timeInName(startedAt)}`;
  if (!known.has(base)) return base;
  for (let k = 2; ; k++) if (!known.has(`${base}-${k}`)) return `${base}-${k}`;
}
