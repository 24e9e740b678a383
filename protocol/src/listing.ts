/** Lists of ids that are complete within a range, so that what is missing from them is known to be gone. */
import { z } from "zod";
import { backupId, pathId } from "./ids.ts";
import { time } from "./limits.ts";

/** Ids of one list at most: with the longest ids an event stays within its size. */
export const MAX_LISTED_IDS = 1000;

const bound = z.string().max(160).nullable();

/** Ids after the one and up to the other, by their UTF-16 code units (as `<` has it); null: without a bound. */
export const idRange = z.object({ after: bound, through: bound });
export type IdRange = z.infer<typeof idRange>;

/** Every id there can be. */
export const WHOLE_RANGE: IdRange = { after: null, through: null };

export function isInRange({ after, through }: IdRange, id: string): boolean {
  return (after === null || id > after) && (through === null || id <= through);
}

/**
 * The ids in ranges that follow each other without a gap, from the first to the last that there can be; none but the
 * whole range when there are no ids.
 */
export function listRanges(ids: Iterable<string>, most: number = MAX_LISTED_IDS): { range: IdRange; ids: string[] }[] {
  const sorted = [...new Set(ids)].sort(byCodeUnits);
  const parts: { range: IdRange; ids: string[] }[] = [];
  for (let from = 0; from === 0 || from < sorted.length; from += most) {
    const some = sorted.slice(from, from + most);
    const isLast = from + most >= sorted.length;
    const range = { after: sorted[from - 1] ?? null, through: isLast ? null : (some.at(-1) ?? null) };
    parts.push({ range, ids: some });
  }
  return parts;
}

/** The order in which ranges have their ids. */
export function byCodeUnits(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

const listing = { repository_id: pathId, range: idRange, at: time };

/**
 * The backups of one item that stand in a repository, all that there are in the range at `at` (the host's clock). What
 * was completed before and is not among them is no longer there.
 */
export const backupsListed = z.object({
  ...listing,
  vm_context_id: pathId,
  backup_ids: z.array(backupId).max(MAX_LISTED_IDS),
});

/** The items of which a repository holds anything, all that there are in the range at `at`. */
export const itemsListed = z.object({ ...listing, vm_context_ids: z.array(pathId).max(MAX_LISTED_IDS) });
