/** Removing backups: the plan (pure), which a dry run prints, and its execution. */
import { join } from "node:path";
import type { Sidecar } from "@holdfast/protocol";
import { removeDurably } from "../durable.ts";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import { type CatalogueDisk, placedBackups, readDisk } from "./catalogue.ts";
import { refreshIfRoom } from "./chain-file.ts";
import { childrenOf } from "./chains.ts";
import { completeRemoval, type RemovalOptions, type RemovalResult } from "./complete-removal.ts";
import type { EvidenceOf } from "./evidence.ts";
import { damaged, explained } from "./files.ts";
import { readRemoval, writeRemoval } from "./journal.ts";
import { CHAIN_FILE, type DiskRef, diskFolder, REMOVAL_FILE } from "./layout.ts";
import type { Repository } from "./marker.ts";
import { type Floor, reasonsToKeep, ruleContext } from "./removal-rules.ts";

export type Refusal = {
  backupId: string;
  code: "CONFLICT" | "FLOOR" | "NOT_FOUND";
  reasons: string[];
  /** What would lose its parent. */
  dependents?: string[];
};

/** `remove` in the order of removal: older chains first, in each the tip first. */
export type RemovalPlan = { remove: string[]; refused: Refusal[] };

export type RemovalQuestion = {
  disk: CatalogueDisk;
  evidence: EvidenceOf;
  /** Explicit ids; nothing else is ever removed. */
  ids: readonly string[];
  floor: Floor;
  now: Date;
};

/**
 * Decides for each id whether it may go. Refuses with all reasons: the newest completed, verified and drilled ones,
 * pinned ones, those under the floor, those of uncertain age, and parents whose children stay. What is allowed is
 * always complete towards the tip, so that no prefix of it breaks a chain.
 */
export function planRemoval({ disk, evidence, ids, floor, now }: RemovalQuestion): RemovalPlan {
  const context = ruleContext(disk, evidence, floor, now);
  const all = placedBackups(disk);
  const children = childrenOf([...all, ...disk.unplaced]);
  const sound = new Set(context.sound.map((backup) => backup.backup_id));
  const wanted = new Set(ids);
  const taken = new Set<string>();
  const refused: Refusal[] = [];
  let left = sound.size;
  for (const backup of removalOrder(all)) {
    const id = backup.backup_id;
    if (!wanted.has(id)) continue;
    const dependents = (children.get(id) ?? []).map((child) => child.backup_id).filter((child) => !taken.has(child));
    const reasons = reasonsToKeep(context, backup);
    if (dependents.length > 0) reasons.push(`other backups depend on it: ${dependents.join(", ")}`);
    const counts = sound.has(id);
    if (counts && !(left > floor.minPoints) && reasons.length === 0)
      reasons.push(`${left} restore points are left and the floor of this host is ${floor.minPoints}`);
    if (reasons.length === 0) {
      taken.add(id);
      if (counts) left -= 1;
    } else if (dependents.length > 0) refused.push({ backupId: id, code: "CONFLICT", reasons, dependents });
    else refused.push({ backupId: id, code: "FLOOR", reasons });
  }
  const unknown = [...wanted]
    .filter((id) => !all.some((backup) => backup.backup_id === id))
    .map((id) => missing(disk, id));
  return { remove: [...taken], refused: [...refused, ...unknown] };
}

/**
 * Removes what a plan allows; the disk's lock is held, and the plan was made under it. Journaled first, so that
 * start-up takes away what had left the catalogue when a kill came; what had not begun stays whole, until it is asked for
 * again. Files that would not go are findings, and are tried again by `tidyDisk`.
 * REPOSITORY_DAMAGED while the journal of an earlier removal cannot be read.
 */
export async function removeBackups(
  repository: Repository,
  disk: DiskRef,
  plan: Pick<RemovalPlan, "remove">,
  options: Pick<RemovalOptions, "onStep" | "signal"> = {},
): Promise<RemovalResult> {
  const folder = diskFolder(repository.path, disk);
  return await explained(`removing backups from ${folder}`, async () => {
    const earlier = await readRemoval(folder);
    if (earlier.findings.length > 0) throw damaged(join(folder, REMOVAL_FILE), "cannot be read");
    if (plan.remove.length === 0 && earlier.journal === undefined) return { removed: [], findings: [] };
    const ids = [...new Set([...(earlier.journal?.backup_ids ?? []), ...plan.remove])];
    await journalRemoval(folder, ids);
    const result = await completeRemoval(repository, disk, options);
    const { findings } = await refreshIfRoom(await readDisk(repository, disk));
    return { ...result, findings: [...result.findings, ...findings] };
  });
}

/** A full file system is what removals are there for: chain.json, which is derived, makes room for the journal. */
async function journalRemoval(folder: string, ids: readonly string[]): Promise<void> {
  const at = new Date().toISOString();
  try {
    await writeRemoval(folder, ids, at);
  } catch (error) {
    if (asHoldfastError(error, "journaling").code !== "NO_SPACE") throw error;
    await removeDurably(join(folder, CHAIN_FILE));
    await writeRemoval(folder, ids, at);
  }
}

/** Throws for a plan that refuses anything: CONFLICT names dependents, FLOOR the rule, NOT_FOUND an unknown id. */
export function refuseUnlessAllowed(plan: RemovalPlan): void {
  const refusal = plan.refused[0];
  if (refusal === undefined) return;
  const { backupId, code, reasons, dependents = [] } = refusal;
  throw new HoldfastError(code, {
    message: `${backupId} is not removed: ${reasons.join("; ")}`,
    details: plan.refused.map((one) => `${one.backupId}: ${one.reasons.join("; ")}`).join("\n"),
    remedy: {
      CONFLICT: `Remove these first: ${dependents.join(", ")}`,
      FLOOR: "Wait until newer backups were made and proven; a pinned one has to be unpinned.",
      NOT_FOUND: "List what there is: holdfast-agent repository list.",
    }[code],
  });
}

function removalOrder(all: readonly Sidecar[]): Sidecar[] {
  const byChain = Map.groupBy(all, (backup) => backup.full_backup_id);
  return [...byChain.values()].flatMap((backups) => backups.toReversed());
}

function missing(disk: CatalogueDisk, backupId: string): Refusal {
  const unplaced = disk.unplaced.some((backup) => backup.backup_id === backupId);
  return {
    backupId,
    code: "NOT_FOUND",
    reasons: [unplaced ? "it stands in no whole chain" : "there is no such backup on this disk"],
  };
}
