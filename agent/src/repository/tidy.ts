/** What start-up and every job do first: finish or undo what a crash cut off. */
import { join } from "node:path";
import type { Finding } from "@holdfast/protocol";
import { removeDurably } from "../durable.ts";
import { type CatalogueDisk, readDisk } from "./catalogue.ts";
import { refreshIfRoom } from "./chain-file.ts";
import { completeRemoval } from "./complete-removal.ts";
import { withEvidenceLock } from "./evidence.ts";
import { entryAt, explained, listFolder } from "./files.ts";
import { type Commit, endJob, readJobs } from "./journal.ts";
import { type DiskRef, diskFolder, fileRole, sidecarName, sidecarPath } from "./layout.ts";
import { repositoryOfFolder } from "./marker.ts";
import { writeSidecar } from "./sidecar.ts";

export type Tidied = {
  /** Names of files that were removed. */
  removed: string[];
  /** What was brought to its end: ids of backups whose commit or removal had been cut off, `chain.json`. */
  resumed: string[];
  /** What could not be tidied and needs a person. */
  findings: Finding[];
  /** The disk as it is then. */
  disk: CatalogueDisk;
};

/**
 * Brings a disk's folder back to the last truth; the disk's lock is held. Removes only what a journal of ours lists
 * and cut-off copies of our small files. A folder that does not exist is tidy.
 */
export async function tidyDisk(folder: string): Promise<Tidied> {
  return await explained(`tidying ${folder}`, async () => {
    const { repository, disk: ref } = await repositoryOfFolder(folder);
    if ((await entryAt(folder)) === undefined)
      return { removed: [], resumed: [], findings: [], disk: await readDisk(repository, ref) };
    const jobs = await tidyJobs(folder, (siblings) => anySidecarStands(repository.path, ref, siblings));
    const stale = await withEvidenceLock(folder, "tidying", () => removeStale(folder));
    const removal = await completeRemoval(repository, ref, { onlyBegun: true });
    const disk = await readDisk(repository, ref);
    const chainFile = await refreshIfRoom(disk);
    return {
      disk,
      removed: [...jobs.removed, ...stale],
      resumed: [...jobs.resumed, ...removal.removed, ...(chainFile.rewritten ? ["chain.json"] : [])],
      findings: [...jobs.findings, ...removal.findings, ...chainFile.findings],
    };
  });
}

async function tidyJobs(
  folder: string,
  isAnyComplete: (siblings: Commit["siblings"]) => Promise<boolean>,
): Promise<Omit<Tidied, "disk">> {
  const { jobs, findings } = await readJobs(folder);
  const removed: string[] = [];
  const resumed: string[] = [];
  for (const job of jobs) {
    const path = join(folder, sidecarName(job.backup_id));
    // Whether it can be read does not matter: a sidecar that stands was written whole, after its image.
    if ((await entryAt(path)) !== undefined) {
      resumed.push(job.backup_id);
    } else if (job.commit !== undefined && (await isAnyComplete(job.commit.siblings))) {
      await writeSidecar(path, job.commit.body);
      resumed.push(job.backup_id);
    } else {
      for (const name of job.files) if (await removeFile(folder, name)) removed.push(name);
    }
    await endJob(folder, job.backup_id);
  }
  return { removed, resumed, findings };
}

/** Whether a restore point, of which one disk's backup was not completed, exists by another's. */
async function anySidecarStands(root: string, disk: DiskRef, siblings: Commit["siblings"]): Promise<boolean> {
  for (const { disk_id: diskId, backup_id } of siblings) {
    const path = sidecarPath(diskFolder(root, { ...disk, diskId }), backup_id);
    if ((await entryAt(path)) !== undefined) return true;
  }
  return false;
}

async function removeStale(folder: string): Promise<string[]> {
  const removed: string[] = [];
  for (const { name, kind } of await listFolder(folder, (name) => fileRole(name).role === "partial"))
    if (kind === "file" && (await removeFile(folder, name))) removed.push(name);
  return removed;
}

async function removeFile(folder: string, name: string): Promise<boolean> {
  const path = join(folder, name);
  if ((await entryAt(path)) === undefined) return false;
  await removeDurably(path);
  return true;
}
