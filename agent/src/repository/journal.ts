/** Journals: what a backup in the making may leave behind, and what a removal under way has yet to take away. */
import { join } from "node:path";
import { backupId, type Finding, type SidecarBody, sidecarBody } from "@holdfast/protocol";
import { z } from "zod";
import { removeDurably, writeDurably } from "../durable.ts";
import { HoldfastError } from "../errors.ts";
import { damaged, entryAt, explained, isMissing, jsonText, listFolder, readJsonFile } from "./files.ts";
import {
  checkedBackupId,
  fileRole,
  imageName,
  jobName,
  jobPath,
  mapName,
  REMOVAL_FILE,
  sidecarName,
} from "./layout.ts";

const workFile = z
  .string()
  .max(250)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);

/** Of a restore point of several disks whose files are all in place: once one of its sidecars stands, all have to. */
const commit = z.object({
  body: sidecarBody,
  siblings: z.array(z.object({ disk_id: z.int().min(0).max(999), backup_id: backupId })).max(1000),
});
export type Commit = z.infer<typeof commit>;

const job = z
  .object({
    schema: z.literal("holdfast.job/1"),
    backup_id: backupId,
    files: z.array(workFile).max(100),
    started_at: z.iso.datetime(),
    commit: commit.optional(),
  })
  // Whatever happens to a journal's bytes, it can never name another backup's files, nor this one's sidecar.
  .refine((body) => body.files.every((name) => isFileOf(body.backup_id, name)), "lists files that are not its own")
  .refine((body) => (body.commit?.body.backup_id ?? body.backup_id) === body.backup_id, "completes another backup");
export type Job = z.infer<typeof job>;

const removal = z.object({
  schema: z.literal("holdfast.removal/1"),
  /** In the order of their removal: children before parents. */
  backup_ids: z.array(backupId).max(100_000),
  started_at: z.iso.datetime(),
});
export type Removal = z.infer<typeof removal>;

/**
 * Writes, durably and before the first of them exists, which files in `folder` a new backup will make; the image,
 * the map and their partials are always among them. CONFLICT when one exists already: it is not ours to remove later.
 */
export async function beginJob(
  folder: string,
  { backupId: id, files, startedAt }: { backupId: string; files: string[]; startedAt: Date },
): Promise<void> {
  const own = [imageName(id), mapName(id)];
  const all = [...new Set([...own.map((name) => `${name}.partial`), ...own, ...files])];
  const body = { schema: "holdfast.job/1", backup_id: id, files: all, started_at: startedAt.toISOString() };
  const parsed = job.safeParse(body);
  if (!parsed.success)
    throw new HoldfastError("BAD_REQUEST", {
      message: `the files of ${id} cannot be journaled`,
      details: z.prettifyError(parsed.error),
    });
  await explained(`beginning ${id}`, async () => {
    for (const name of [...all, sidecarName(id), jobName(id)]) {
      if ((await entryAt(join(folder, name))) === undefined) continue;
      throw new HoldfastError("CONFLICT", {
        message: `${join(folder, name)} exists already`,
        remedy: "Run `holdfast-agent repository check`; an unfinished backup is tidied before the next run.",
      });
    }
    await writeDurably(jobPath(folder, id), jsonText(parsed.data));
  });
}

/** The journals of backups in the making; one that cannot be read is a finding. */
export async function readJobs(folder: string): Promise<{ jobs: Job[]; findings: Finding[] }> {
  const jobs: Job[] = [];
  const findings: Finding[] = [];
  for (const { name } of await listFolder(folder, (name) => fileRole(name).role === "job")) {
    const read = await readJournal(folder, name, job);
    if (read === undefined) continue;
    if (read.journal !== undefined && jobName(read.journal.backup_id) === name) jobs.push(read.journal);
    else findings.push(read.finding ?? damage(name, `${name} is the journal of another backup`));
  }
  return { jobs, findings };
}

/** The journal of one backup in the making, or undefined; REPOSITORY_DAMAGED when it cannot be read. */
export async function readJob(folder: string, id: string): Promise<Job | undefined> {
  const read = await readJournal(folder, jobName(checkedBackupId(id)), job);
  if (read?.finding !== undefined || (read?.journal && read.journal.backup_id !== id))
    throw damaged(jobPath(folder, id), "cannot be read");
  return read?.journal;
}

/** Notes in a job's journal, durably, how it is completed when a backup of the same moment was. */
export async function noteCommit(folder: string, body: SidecarBody, siblings: Commit["siblings"]): Promise<void> {
  const begun = await readJob(folder, body.backup_id);
  await writeDurably(jobPath(folder, body.backup_id), jsonText({ ...begun, commit: { body, siblings } }));
}

/** Forgets a job: its backup is complete, or its files are gone. */
export async function endJob(folder: string, id: string): Promise<void> {
  await removeDurably(jobPath(folder, id));
}

/** The removal under way, if any; a journal that cannot be read is a finding. */
export async function readRemoval(folder: string): Promise<{ journal?: Removal; findings: Finding[] }> {
  const read = await readJournal(folder, REMOVAL_FILE, removal);
  if (read?.finding !== undefined) return { findings: [read.finding] };
  return read?.journal === undefined ? { findings: [] } : { journal: read.journal, findings: [] };
}

/** Writes what is (still) to be removed; an empty list ends the removal. */
export async function writeRemoval(folder: string, ids: readonly string[], startedAt: string): Promise<void> {
  const path = join(folder, REMOVAL_FILE);
  if (ids.length === 0) return await removeDurably(path);
  await writeDurably(path, jsonText({ schema: "holdfast.removal/1", backup_ids: ids, started_at: startedAt }));
}

type Read<T> = { journal: T; finding?: undefined } | { journal?: undefined; finding: Finding } | undefined;

async function readJournal<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<Read<T>> {
  try {
    const parsed = schema.safeParse(await readJsonFile(join(folder, name)));
    if (parsed.success) return { journal: parsed.data };
    return { finding: damage(name, `${name} cannot be used: ${z.prettifyError(parsed.error)}`) };
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (error instanceof HoldfastError) return { finding: damage(name, error.message) };
    throw error;
  }
}

function damage(name: string, message: string): Finding {
  return { code: "JOURNAL_DAMAGED", message: message.slice(0, 2000), file: name };
}

function isFileOf(id: string, name: string): boolean {
  const role = fileRole(name).role;
  return name.startsWith(`${id}.`) && (role === "image" || role === "map" || role === "unknown");
}
