/** What is wrong with a repository, without changing anything in it. */
import type { Finding, Sidecar } from "@holdfast/protocol";
import { digestMapFile } from "../blockmap/map-file.ts";
import { HoldfastError } from "../errors.ts";
import { KEYS_FILE } from "../keys/key-files.ts";
import { type CatalogueDisk, placedBackups, readCatalogue } from "./catalogue.ts";
import { chainFileIsCurrent } from "./chain-file.ts";
import { readEvidence } from "./evidence.ts";
import { explained, listFolder } from "./files.ts";
import { readJobs, readRemoval } from "./journal.ts";
import { fileRole, lockPath, MARKER_FILE, mapPath, proofName } from "./layout.ts";
import { acquireLock } from "./lock.ts";
import { openRepository, type Repository } from "./marker.ts";
import { listDisks } from "./scan.ts";

export type CheckOptions = {
  /** Checks a backup's content; without it only the repository's own structure is checked. */
  verifyBackup?: (disk: CatalogueDisk, sidecar: Sidecar) => Promise<Finding[]>;
};

/** `file` of every finding is relative to the repository. */
export type CheckResult = { disks: number; backups: number; findings: Finding[] };

/**
 * Checks marker, sidecars, chains, sizes, map digests, evidence, leftovers and chain files of the whole repository.
 * What a running job is writing is not a finding. REPOSITORY_INVALID when the repository is not there at all.
 */
export async function checkRepository(repository: Repository, options: CheckOptions = {}): Promise<CheckResult> {
  return await explained(`checking ${repository.path}`, async () => {
    await openRepository(repository.path, repository.repositoryId);
    const disks = await readCatalogue(repository);
    const findings = [...(await checkTop(repository)), ...(await listDisks(repository.path)).findings];
    for (const disk of disks) findings.push(...(await checkDisk(disk, options)));
    return { disks: disks.length, backups: disks.flatMap(placedBackups).length, findings };
  });
}

/** The files at a repository's top; what they say is looked at by those who read them. */
const TOP_FILES: readonly string[] = [MARKER_FILE, KEYS_FILE];

async function checkTop(repository: Repository): Promise<Finding[]> {
  const entries = await listFolder(repository.path);
  return entries
    .filter(({ name, kind }) => kind === "file" && !TOP_FILES.includes(name) && !name.startsWith("."))
    .map(({ name }) => ({ code: "UNKNOWN_ENTRY", message: `${name} is not part of a repository`, file: name }));
}

async function checkDisk(disk: CatalogueDisk, { verifyBackup }: CheckOptions): Promise<Finding[]> {
  const findings = [...disk.findings, ...(await checkQuiet(disk))];
  for (const backup of [...placedBackups(disk), ...disk.unplaced]) {
    findings.push(...(await checkMap(disk, backup)), ...(await checkEvidence(disk, backup)));
    if (verifyBackup && !disk.unplaced.includes(backup)) findings.push(...(await verifyBackup(disk, backup)));
  }
  const prefix = `${disk.disk.vmContextId}/disk-${disk.disk.diskId}`;
  return findings.map((finding) => ({ ...finding, file: finding.file ? `${prefix}/${finding.file}` : prefix }));
}

/** What may be said only while no job runs: a job's own files and a chain file that it is about to write. */
async function checkQuiet(disk: CatalogueDisk): Promise<Finding[]> {
  // A link in the place of the folder was reported; nothing is opened behind it.
  if (disk.findings.some(({ code }) => code === "NOT_A_PLAIN_ENTRY") && disk.chains.length === 0) return [];
  const lock = await acquireLock(lockPath(disk.folder), "repository check").catch((error: unknown) => {
    if (!(error instanceof HoldfastError)) throw error;
    // A repository that is mounted read-only has no running job either.
    return error.code === "BUSY" ? undefined : { release: () => undefined };
  });
  if (lock === undefined) return [];
  try {
    const stale = {
      code: "CHAIN_FILE_STALE",
      message: "chain.json does not say what the sidecars say",
      file: "chain.json",
    };
    return [...((await chainFileIsCurrent(disk)) ? [] : [stale]), ...(await leftovers(disk.folder))];
  } finally {
    lock.release();
  }
}

async function leftovers(folder: string): Promise<Finding[]> {
  const { jobs } = await readJobs(folder);
  const { journal } = await readRemoval(folder);
  const entries = await listFolder(folder);
  const journaled = new Set(jobs.flatMap((job) => job.files));
  const of = (name: string, message: string): Finding => ({ code: "LEFTOVER", message, file: name });
  return [
    ...jobs.map((job) =>
      of(`${job.backup_id}.job.json`, `the backup ${job.backup_id} was cut off; the next run tidies it`),
    ),
    ...(journal ? [of("removal.json", "a removal was cut off; the next run finishes it")] : []),
    ...entries.flatMap(({ name }) => {
      const { role } = fileRole(name);
      if (role === "partial") return [of(name, `${name} is half written; the next run removes it`)];
      if (role !== "unknown" || journaled.has(name)) return [];
      return [{ code: "UNKNOWN_ENTRY", message: `${name} is not part of a repository`, file: name }];
    }),
  ];
}

async function checkMap(disk: CatalogueDisk, backup: Sidecar): Promise<Finding[]> {
  const file = backup.hash_map.file_name;
  // Missing, cut or not a file: the catalogue has said so.
  if (disk.findings.some((finding) => finding.file === file)) return [];
  const { sha256 } = await digestMapFile(mapPath(disk.folder, backup.backup_id));
  if (sha256 === backup.hash_map.sha256) return [];
  return [{ code: "MAP_CHANGED", message: `${file} is not the hash map that was written with its backup`, file }];
}

async function checkEvidence(disk: CatalogueDisk, { backup_id: id }: Sidecar): Promise<Finding[]> {
  try {
    await readEvidence(disk.folder, id);
    return [];
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "REPOSITORY_DAMAGED") throw error;
    return [{ code: "EVIDENCE_DAMAGED", message: error.message, file: proofName(id) }];
  }
}
