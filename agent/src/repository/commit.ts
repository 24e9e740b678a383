/** The end of a backup in the making: it becomes part of the catalogue in one step, or leaves nothing. */
import { join } from "node:path";
import type { Sidecar, SidecarBody } from "@holdfast/protocol";
import { removeDurably, renameDurably, syncFile } from "../durable.ts";
import { HoldfastError } from "../errors.ts";
import { type CatalogueDisk, placedBackups, readDisk } from "./catalogue.ts";
import { refreshChainFile } from "./chain-file.ts";
import { entryAt, explained } from "./files.ts";
import { endJob, readJob } from "./journal.ts";
import { imagePath, mapPath, sidecarPath } from "./layout.ts";
import { repositoryOfFolder } from "./marker.ts";
import { writeSidecar } from "./sidecar.ts";

/**
 * Makes a finished backup visible; the disk's lock is held. Expects `<image>.partial` and `<map>.partial` as the
 * body describes them. The moment the sidecar stands the backup exists; before, `abandonJob` or `tidyDisk` undo all.
 * Sets the chain's number. CONFLICT when the body does not continue the chain as it is on disk.
 */
export async function commitBackup(folder: string, body: SidecarBody): Promise<Sidecar> {
  return await explained(`completing ${body.backup_id}`, async () => {
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
    const sidecar = await writeSidecar(sidecarPath(folder, body.backup_id), { ...body, chain_number });
    try {
      await refreshChainFile(await readDisk(repository, disk));
      await endJob(folder, body.backup_id);
    } catch {
      // The backup is complete: what is left is derived, and `tidyDisk` does it before the next job.
    }
    return sidecar;
  });
}

/**
 * Takes back a backup that failed or was cancelled; the disk's lock is held. Only files that its journal lists are
 * removed. A sidecar whose writing was reported as failed goes first, so that no backup without its image is visible.
 */
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
