/** Compares what a repository holds of an item with what the controller was told of it. */
import { join } from "node:path";
import type { AnyEvent, Sidecar } from "@holdfast/protocol";
import { type CatalogueDisk, placedBackups, readDisk } from "../../repository/catalogue.ts";
import { readAllEvidence, readEvidence } from "../../repository/evidence.ts";
import { entryAt, explained, listFolder } from "../../repository/files.ts";
import { diskFolder, diskOfNames, imagePath, sidecarPath } from "../../repository/layout.ts";
import { openRepository, type Repository } from "../../repository/marker.ts";
import type { Spool } from "../../spool/port.ts";
import type { SpoolChange, ToldFact } from "../../spool/told.ts";
import { backupChanges, type StoredBackup, type TellingOf, type ToldBackup, toldBackup } from "./backup-changes.ts";
import { itemListing, placeInSubjects } from "./listings.ts";
import type { ItemPlace } from "./port.ts";

export type LookOptions = Omit<TellingOf, "again"> & {
  /** What was told under an earlier debt than this is told once more; null: only what is new. */
  again: number | null;
  /** Why backups are gone that the run removed. */
  reason: string | null;
};

/** Every subject of the repository's backups begins so. */
export function toldPrefix(repository: Repository): string {
  return `backup/${placeInSubjects(repository)}/`;
}

/**
 * The facts that are new, and what to remember of them; changes nothing. Backups are told before their increments.
 * Throws what reading the repository throws: one that is not there says nothing about what it held.
 */
export async function lookAtItem(
  spool: Pick<Spool, "facts">,
  place: ItemPlace,
  options: LookOptions,
): Promise<Required<Pick<SpoolChange, "events" | "tell" | "forget">>> {
  const { repository, vmContextId } = place;
  await openRepository(repository.path, repository.repositoryId);
  const prefix = `${toldPrefix(repository)}${vmContextId}/`;
  const told = new Map(spool.facts.told(prefix).map((fact) => [fact.subject, fact]));
  const generation = spool.facts.generation();
  const change = { events: [] as AnyEvent[], tell: [] as ToldFact[], forget: [] as string[] };
  for (const stored of await storedBackups(place)) {
    const subject = `${prefix}${stored.sidecar.disk_id}/${stored.sidecar.backup_id}`;
    const before = told.get(subject);
    told.delete(subject);
    const again = before !== undefined && options.again !== null && before.generation < options.again;
    const toldAgain = again || (before === undefined && options.again !== null);
    const { events, state } = backupChanges(stored, stateOf(before), { ...options, again: toldAgain });
    if (events.length === 0) continue;
    change.events.push(...events);
    const under = before === undefined || again ? generation : before.generation;
    change.tell.push({ subject, generation: under, state: JSON.stringify(state) });
  }
  const gone = await removed(place, prefix, [...told.keys()]);
  change.forget.push(...gone.map(({ subject }) => subject));
  change.events.push(...gone.map(({ backupId }) => removal(repository, backupId, options)));
  if (options.again === null) return change;
  const listed = await itemListing(spool, place, { again: options.again, at: options.now });
  change.events.push(...listed.events);
  change.tell.push(...listed.tell);
  return change;
}

function stateOf(fact: ToldFact | undefined): ToldBackup | undefined {
  return fact === undefined ? undefined : toldBackup.safeParse(JSON.parse(fact.state)).data;
}

async function storedBackups({ repository, vmContextId }: ItemPlace): Promise<StoredBackup[]> {
  const stored: StoredBackup[] = [];
  const folder = join(repository.path, vmContextId);
  const names = await explained(`reading ${folder}`, () => listFolder(folder));
  for (const { name } of names) {
    const ref = diskOfNames(vmContextId, name);
    if (ref === undefined) continue;
    const disk = await readDisk(repository, ref);
    stored.push(...(await withEvidence(disk)));
  }
  return stored;
}

async function withEvidence(disk: CatalogueDisk): Promise<StoredBackup[]> {
  const evidence = await readAllEvidence(disk);
  const storedOf = (sidecar: Sidecar, found: StoredBackup["evidence"]): StoredBackup => {
    return { sidecar, filePath: imagePath(disk.folder, sidecar.backup_id), evidence: found };
  };
  const stored = placedBackups(disk).map((sidecar) => {
    const found = evidence.get(sidecar.backup_id);
    return storedOf(sidecar, found === undefined || found === "unreadable" ? null : found);
  });
  for (const sidecar of disk.unplaced)
    stored.push(storedOf(sidecar, await readEvidence(disk.folder, sidecar.backup_id).catch(() => null)));
  return stored;
}

type Gone = { subject: string; backupId: string };

/** Of what was told and not found, what is really gone: a damaged sidecar is still there. */
async function removed({ repository, vmContextId }: ItemPlace, prefix: string, subjects: string[]): Promise<Gone[]> {
  const gone: Gone[] = [];
  for (const subject of subjects) {
    const [disk = "", backupId = ""] = subject.slice(prefix.length).split("/");
    const folder = diskFolder(repository.path, { vmContextId, diskId: Number(disk) });
    const path = sidecarPath(folder, backupId);
    const entry = await explained(`looking for ${path}`, () => entryAt(path));
    if (entry === undefined) gone.push({ subject, backupId });
  }
  // A repository that was unmounted meanwhile would look empty.
  if (gone.length > 0) await openRepository(repository.path, repository.repositoryId);
  return gone;
}

function removal(repository: Repository, backup_id: string, { run, reason, now }: LookOptions): AnyEvent {
  const isOurs = run?.kind === "removal";
  const body = {
    repository_id: repository.repositoryId,
    backup_id,
    run_id: isOurs ? run.run_id : null,
    reason: isOurs ? (reason ?? "removed by hand on the host") : "it is no longer in the repository",
    removed_at: now.toISOString(),
  };
  return { kind: "backup_removed", body };
}
