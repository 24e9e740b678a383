/** What start-up and every job do first: finish or undo what a crash cut off. */
import { join } from "node:path";
import type { Finding } from "@holdfast/protocol";
import { removeDurably } from "../durable.ts";
import { readDisk } from "./catalogue.ts";
import { refreshIfRoom } from "./chain-file.ts";
import { completeRemoval } from "./complete-removal.ts";
import { withEvidenceLock } from "./evidence.ts";
import { entryAt, explained, listFolder } from "./files.ts";
import { endJob, readJobs } from "./journal.ts";
import { fileRole, sidecarName } from "./layout.ts";
import { repositoryOfFolder } from "./marker.ts";

export type Tidied = {
  /** Names of files that were removed. */
  removed: string[];
  /** What was brought to its end: ids of backups whose commit or removal had been cut off, `chain.json`. */
  resumed: string[];
  /** What could not be tidied and needs a person. */
  findings: Finding[];
};

/**
 * Brings a disk's folder back to the last truth; the disk's lock is held. Removes only what a journal of ours lists
 * and cut-off copies of our small files. A folder that does not exist is tidy.
 */
export async function tidyDisk(folder: string): Promise<Tidied> {
  return await explained(`tidying ${folder}`, async () => {
    if ((await entryAt(folder)) === undefined) return { removed: [], resumed: [], findings: [] };
    const { repository, disk } = await repositoryOfFolder(folder);
    const jobs = await tidyJobs(folder);
    const stale = await withEvidenceLock(folder, "tidying", () => removeStale(folder));
    const removal = await completeRemoval(repository, disk);
    const chainFile = await refreshIfRoom(await readDisk(repository, disk));
    return {
      removed: [...jobs.removed, ...stale],
      resumed: [...jobs.resumed, ...removal.removed, ...(chainFile.rewritten ? ["chain.json"] : [])],
      findings: [...jobs.findings, ...removal.findings, ...chainFile.findings],
    };
  });
}

async function tidyJobs(folder: string): Promise<Tidied> {
  const { jobs, findings } = await readJobs(folder);
  const removed: string[] = [];
  const resumed: string[] = [];
  for (const job of jobs) {
    // Whether it can be read does not matter: a sidecar that stands was written whole, after its image.
    if ((await entryAt(join(folder, sidecarName(job.backup_id)))) !== undefined) {
      resumed.push(job.backup_id);
    } else {
      for (const name of job.files) if (await removeFile(folder, name)) removed.push(name);
    }
    await endJob(folder, job.backup_id);
  }
  return { removed, resumed, findings };
}

async function removeStale(folder: string): Promise<string[]> {
  const removed: string[] = [];
  for (const { name, kind } of await listFolder(folder))
    if (kind === "file" && fileRole(name).role === "partial" && (await removeFile(folder, name))) removed.push(name);
  return removed;
}

async function removeFile(folder: string, name: string): Promise<boolean> {
  const path = join(folder, name);
  if ((await entryAt(path)) === undefined) return false;
  await removeDurably(path);
  return true;
}
