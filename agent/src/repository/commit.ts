/** The end of a backup in the making: it becomes part of the catalogue in one step, or leaves nothing. */
import { join } from "node:path";
import type { Sidecar, SidecarBody } from "@holdfast/protocol";
import { removeDurably, renameDurably, syncFile } from "../durable.ts";
import { HoldfastError } from "../errors.ts";
import { type CatalogueDisk, chainsWith, placedBackups, readDisk } from "./catalogue.ts";
import { refreshChainFile } from "./chain-file.ts";
import { entryAt, explained } from "./files.ts";
import { endJob, noteCommit, readJob } from "./journal.ts";
import { imagePath, mapPath, sidecarPath } from "./layout.ts";
import { repositoryOfFolder } from "./marker.ts";
import { writeSidecar } from "./sidecar.ts";

/** A finished backup: `<image>.partial` and `<map>.partial` in its disk's folder are as the body describes them. */
export type Finished = { folder: string; body: SidecarBody };
/** `before`: the disk without it. */
type Placed = Finished & { before: CatalogueDisk };

/**
 * Makes a finished backup visible; the disk's lock is held. The moment the sidecar stands the backup exists; before,
 * `abandonJobs` or `tidyDisk` undo all. Sets the chain's number. CONFLICT when the body does not continue the chain as
 * it is on disk.
 */
export async function commitBackup(folder: string, body: SidecarBody): Promise<Sidecar> {
  return await explained(`completing ${body.backup_id}`, async () => {
    const placed = await putFilesInPlace({ folder, body });
    const sidecar = await writeSidecar(sidecarPath(folder, body.backup_id), placed.body);
    await endCommit(sidecar, placed);
    return sidecar;
  });
}

/**
 * Makes the finished backups of one restore point visible, all of them or none: from the moment the first sidecar
 * stands, `tidyDisk` completes the others. The locks of all their disks are held. Else as `commitBackup`.
 */
export async function commitTogether(finished: readonly Finished[]): Promise<Sidecar[]> {
  const [only, ...others] = finished;
  if (only !== undefined && others.length === 0) return [await commitBackup(only.folder, only.body)];
  const ids = finished.map(({ body }) => ({ disk_id: body.disk_id, backup_id: body.backup_id }));
  return await explained(`completing ${ids.map((one) => one.backup_id).join(", ")}`, async () => {
    const placed: Placed[] = [];
    for (const one of finished) placed.push(await putFilesInPlace(one));
    for (const { folder, body } of placed) {
      const siblings = ids.filter((one) => one.disk_id !== body.disk_id);
      await noteCommit(folder, body, siblings);
    }
    const complete: { sidecar: Sidecar; one: Placed }[] = [];
    for (const one of placed)
      complete.push({ sidecar: await writeSidecar(sidecarPath(one.folder, one.body.backup_id), one.body), one });
    for (const { sidecar, one } of complete) await endCommit(sidecar, one);
    return complete.map(({ sidecar }) => sidecar);
  });
}

/** Checks that a backup continues its chain and moves its files to where they stay; its body then has all numbers. */
async function putFilesInPlace({ folder, body }: Finished): Promise<Placed> {
  const { repository, disk } = await repositoryOfFolder(folder);
  const before = await readDisk(repository, disk);
  const { vmContextId, diskId } = disk;
  if (body.vm_context_id !== vmContextId || body.disk_id !== diskId || body.repository_id !== repository.repositoryId)
    throw new HoldfastError("INTERNAL", { message: `${body.backup_id} does not belong into ${folder}` });
  const chain_number = checkedChainNumber(before, body);
  if ((await readJob(folder, body.backup_id)) === undefined)
    throw new HoldfastError("INTERNAL", { message: `${body.backup_id} was never begun in ${folder}` });
  await putInPlace(mapPath(folder, body.backup_id), body.hash_map.size_bytes);
  await putInPlace(imagePath(folder, body.backup_id), body.file_size_bytes);
  return { folder, body: { ...body, chain_number }, before };
}

/** The backup is complete: what fails here is derived, and `tidyDisk` does it before the next job. */
async function endCommit(sidecar: Sidecar, { folder, before }: Placed): Promise<void> {
  try {
    await refreshChainFile(chainsWith(before, sidecar));
    await endJob(folder, sidecar.backup_id);
  } catch {}
}

/**
 * Takes back the backups of one restore point that failed or was cancelled; the disks' locks are held. Only files that
 * a journal lists are removed. Sidecars whose writing was reported as failed go first, so that no backup without its
 * image, or without its siblings, is visible. Each that could not be taken back is given to `onFailure`.
 */
export async function abandonJobs(
  jobs: readonly { folder: string; backupId: string }[],
  onFailure: (folder: string, error: unknown) => void,
): Promise<void> {
  const hidden = new Set<string>();
  for (const { folder, backupId } of jobs)
    await explained(`abandoning ${backupId}`, async () => {
      if ((await readJob(folder, backupId)) !== undefined) await removeDurably(sidecarPath(folder, backupId));
      hidden.add(folder);
    }).catch((error: unknown) => onFailure(folder, error));
  for (const { folder, backupId } of jobs)
    if (hidden.has(folder)) await abandonJob(folder, backupId).catch((error: unknown) => onFailure(folder, error));
}

/** `abandonJobs` for one backup; throws what fails. */
export async function abandonJob(folder: string, backupId: string): Promise<void> {
  await explained(`abandoning ${backupId}`, async () => {
    const job = await readJob(folder, backupId);
    if (job === undefined) return;
    await removeDurably(sidecarPath(folder, backupId));
    for (const name of job.files) await removeDurably(join(folder, name));
    await endJob(folder, backupId);
  });
}

/** The number of the chain that a body starts or continues. */
function checkedChainNumber(before: CatalogueDisk, body: SidecarBody): number {
  const placed = placedBackups(before);
  if (body.parent_backup_id === null) return 1 + Math.max(0, ...placed.map((backup) => backup.chain_number ?? 0));
  const chain = before.chains.at(-1);
  const parent = chain?.backups.at(-1);
  const refused =
    chain === undefined || parent?.backup_id !== body.parent_backup_id
      ? `its parent ${body.parent_backup_id} is not the newest backup of the current chain`
      : chain.closed
        ? `the chain of ${chain.fullBackupId} has forked`
        : before.unsound.includes(parent.backup_id)
          ? `a file that its parent ${parent.backup_id} needs is missing or of the wrong size`
          : body.total_bytes !== parent.total_bytes
            ? "the disk's size is not that of its parent"
            : body.full_backup_id !== parent.full_backup_id || body.chain_position !== parent.chain_position + 1
              ? "its place in the chain does not follow from its parent's"
              : undefined;
  if (refused === undefined) return parent?.chain_number ?? 1;
  throw new HoldfastError("CONFLICT", {
    message: `${body.backup_id} cannot join the chain: ${refused}`,
    remedy: "Run the backup again; it takes the chain as it is then, or starts a new one.",
  });
}

async function putInPlace(path: string, sizeBytes: number): Promise<void> {
  const partial = `${path}.partial`;
  const entry = await entryAt(partial);
  if (entry?.kind !== "file" || entry.sizeBytes !== sizeBytes)
    throw new HoldfastError("INTERNAL", {
      message: `${partial} is not the file of ${sizeBytes} bytes that was to be completed`,
      details: entry === undefined ? "it does not exist" : `${entry.kind} of ${entry.sizeBytes} bytes`,
    });
  await syncFile(partial);
  await renameDurably(partial, path);
}
