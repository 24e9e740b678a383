/**
 * Lists of what a repository holds, once under each debt: so that a controller which came back from its own backup
 * learns what was removed since, although it will never hear of that by itself.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { type AnyEvent, listRanges } from "@holdfast/protocol";
import { entryAt, explained, listFolder } from "../../repository/files.ts";
import { diskOfNames, fileRole } from "../../repository/layout.ts";
import { openRepository, type Repository } from "../../repository/marker.ts";
import type { Spool } from "../../spool/port.ts";
import type { SpoolChange } from "../../spool/told.ts";
import type { ItemPlace } from "./port.ts";

/** `again`: a list that was told under an earlier debt than this is due; `at`: no later than the look at the folders. */
type Wish = { again: number; at: Date };
type Listed = Required<Pick<SpoolChange, "events" | "tell">>;

const NOTHING: Listed = { events: [], tell: [] };

/** A repository's part of the subjects of facts. By its path as well: a copy of a repository is not that repository. */
export function placeInSubjects({ repositoryId, path }: Repository): string {
  return `${repositoryId}/${createHash("sha256").update(path).digest("hex").slice(0, 12)}`;
}

/** The backups of one item that are there, damaged ones as well. Throws what reading the repository throws. */
export async function itemListing(spool: Pick<Spool, "facts">, place: ItemPlace, wish: Wish): Promise<Listed> {
  const { repository, vmContextId: vm_context_id } = place;
  const subject = `listed/${placeInSubjects(repository)}/${vm_context_id}`;
  if (!isDue(spool, subject, wish)) return NOTHING;
  const ids = await storedIds(place);
  if (ids === null) return NOTHING;
  // A repository that was unmounted meanwhile would look empty.
  await openRepository(repository.path, repository.repositoryId);
  const events = listRanges(ids).map(({ range, ids: backup_ids }): AnyEvent => {
    const body = {
      repository_id: repository.repositoryId,
      vm_context_id,
      range,
      backup_ids,
      at: wish.at.toISOString(),
    };
    return { kind: "backups_listed", body };
  });
  return { events, tell: [toldNow(spool, subject)] };
}

/** The items of the repository, of which each was looked at. Throws what opening the repository throws. */
export async function repositoryListing(
  spool: Pick<Spool, "facts">,
  { repository, items }: { repository: Repository; items: Iterable<string> },
  wish: Wish,
): Promise<Listed> {
  const subject = `listed/${placeInSubjects(repository)}/`;
  if (!isDue(spool, subject, wish)) return NOTHING;
  await openRepository(repository.path, repository.repositoryId);
  const events = listRanges(items).map(({ range, ids: vm_context_ids }): AnyEvent => {
    const body = { repository_id: repository.repositoryId, range, vm_context_ids, at: wish.at.toISOString() };
    return { kind: "items_listed", body };
  });
  return { events, tell: [toldNow(spool, subject)] };
}

function isDue({ facts }: Pick<Spool, "facts">, subject: string, { again }: Wish): boolean {
  const known = facts.told(subject).find((fact) => fact.subject === subject);
  return known === undefined || known.generation < again;
}

function toldNow({ facts }: Pick<Spool, "facts">, subject: string) {
  return { subject, generation: facts.generation(), state: "{}" };
}

/** By the names of their sidecars; null when a folder is a link or no folder, so that nobody can say what is there. */
async function storedIds({ repository, vmContextId }: ItemPlace): Promise<string[] | null> {
  const folder = join(repository.path, vmContextId);
  return await explained(`reading ${folder}`, async () => {
    const top = await entryAt(folder);
    if (top !== undefined && top.kind !== "folder") return null;
    const ids: string[] = [];
    for (const { name, kind } of await listFolder(folder)) {
      if (diskOfNames(vmContextId, name) === undefined) continue;
      if (kind !== "folder") return null;
      for (const entry of await listFolder(join(folder, name))) {
        const is = fileRole(entry.name);
        if (is.role === "sidecar") ids.push(is.backupId);
      }
    }
    return ids;
  });
}
