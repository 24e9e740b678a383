/** Carries out the removal that a disk's journal names; the same way after a plan and after a crash. */
import type { Finding } from "@holdfast/protocol";
import { removeDurably } from "../durable.ts";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import { type CatalogueDisk, placedBackups, readDisk } from "./catalogue.ts";
import { childrenOf } from "./chains.ts";
import { readEvidence, withEvidenceLock } from "./evidence.ts";
import { entryAt } from "./files.ts";
import { readRemoval, writeRemoval } from "./journal.ts";
import { type DiskRef, diskFolder, imagePath, mapPath, proofPath, sidecarName, sidecarPath } from "./layout.ts";
import type { Repository } from "./marker.ts";

export type RemovalResult = {
  removed: string[];
  /** Why the others are still there; a file that cannot be removed never stops the rest. */
  findings: Finding[];
};

/** `hidden`: the backup left the catalogue; `removed`: its files are gone as well. */
export type RemovalStep = { backupId: string; step: "hidden" | "removed" };

export type RemovalOptions = {
  onStep?: (step: RemovalStep) => void;
  /** Ends it between two backups; what was not begun stays, and is forgotten. */
  signal?: AbortSignal;
  /** Only what has left the catalogue: the rest was decided long ago, and stays until it is asked for again. */
  onlyBegun?: boolean;
};

/**
 * Removes the journaled backups, children before parents; the disk's lock is held. For each the sidecar goes first:
 * a kill leaves a backup that is whole, or files that no catalogue shows and the journal still names.
 */
export async function completeRemoval(
  repository: Repository,
  disk: DiskRef,
  options: RemovalOptions = {},
): Promise<RemovalResult> {
  const folder = diskFolder(repository.path, disk);
  const { journal, findings } = await readRemoval(folder);
  if (journal === undefined) return { removed: [], findings };
  const before = await readDisk(repository, disk);
  const removed: string[] = [];
  const failed: Finding[] = [];
  const retry: string[] = [];
  for (const id of journal.backup_ids) {
    if (await isLeftAlone(folder, id, options)) continue;
    const outcome = whyKept(before, id, new Set(removed)) ?? (await removeOne(folder, id, options));
    if (outcome === undefined) removed.push(id);
    else
      failed.push({ code: "REMOVAL_FAILED", message: `${id} was not removed: ${outcome.why}`, file: sidecarName(id) });
    if (outcome?.again) retry.push(id);
  }
  await writeRemoval(folder, retry, journal.started_at);
  return { removed, findings: failed };
}

async function isLeftAlone(
  folder: string,
  id: string,
  { signal, onlyBegun = false }: RemovalOptions,
): Promise<boolean> {
  if (!onlyBegun && !signal?.aborted) return false;
  return (await entryAt(sidecarPath(folder, id))) !== undefined;
}

/** Why a backup stays; `again`: a file would not go, which the next start tries once more. */
type Outcome = { why: string; again: boolean };

/** The journal may be old: what has come to depend on a backup since then keeps it. */
function whyKept(before: CatalogueDisk, id: string, removed: ReadonlySet<string>): Outcome | undefined {
  const children = childrenOf([...placedBackups(before), ...before.unplaced]).get(id) ?? [];
  const left = children.map((child) => child.backup_id).filter((child) => !removed.has(child));
  return left.length === 0 ? undefined : { why: `${left.join(", ")} depends on it`, again: false };
}

async function removeOne(folder: string, id: string, { onStep }: RemovalOptions): Promise<Outcome | undefined> {
  try {
    return await withEvidenceLock(folder, `removing ${id}`, async () => {
      if ((await entryAt(sidecarPath(folder, id))) !== undefined) {
        const why = await whyPinned(folder, id);
        if (why !== undefined) return { why, again: false };
        await removeDurably(sidecarPath(folder, id));
      }
      onStep?.({ backupId: id, step: "hidden" });
      for (const path of [imagePath(folder, id), mapPath(folder, id), proofPath(folder, id)]) await removeDurably(path);
      onStep?.({ backupId: id, step: "removed" });
      return undefined;
    });
  } catch (error) {
    return { why: asHoldfastError(error, "removing its files").message, again: true };
  }
}

/** Read under the evidence lock, so that a pin set after the plan was made still holds. */
async function whyPinned(folder: string, id: string): Promise<string | undefined> {
  try {
    const { pinned } = await readEvidence(folder, id);
    return pinned && `it was pinned (${pinned.reason})`;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "REPOSITORY_DAMAGED") return "its evidence cannot be read";
    throw error;
  }
}
