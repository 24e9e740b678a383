/** One look at a disk folder: the sidecars that can be read, and what is wrong with its files. */
import { basename, dirname, join } from "node:path";
import type { Finding, Sidecar } from "@holdfast/protocol";
import { HoldfastError } from "../errors.ts";
import { type Entry, entryAt, listFolder } from "./files.ts";
import { readJobs, readRemoval } from "./journal.ts";
import {
  type DiskRef,
  diskFolder,
  diskOfNames,
  type FileRole,
  fileRole,
  imageName,
  isSystemFolder,
  mapName,
  sidecarName,
} from "./layout.ts";
import { readSidecar } from "./sidecar.ts";

export type DiskScan = { entries: Entry[]; sidecars: Sidecar[]; findings: Finding[]; unsound: string[] };

/** The disks that have a folder in the repository, and what stands at its top that is no disk's. */
export async function listDisks(root: string): Promise<{ disks: DiskRef[]; findings: Finding[] }> {
  const disks: DiskRef[] = [];
  const findings: Finding[] = [];
  for (const context of await listFolder(root)) {
    if (isSystemFolder(context.name) || context.kind === "file") continue;
    if (context.kind === "symlink") findings.push(link(context.name));
    if (context.kind !== "folder") continue;
    for (const entry of await listFolder(join(root, context.name))) {
      const disk = diskOfNames(context.name, entry.name);
      if (disk !== undefined && entry.kind !== "file") disks.push(disk);
      else if (!isSystemFolder(entry.name)) findings.push(unknown(join(context.name, entry.name)));
    }
  }
  return { disks, findings };
}

/**
 * Reads a disk's folder; a damaged file is a finding and never an exception, a folder that is a link is not entered.
 * A look that found something is taken a second time, because a backup or a removal may have been under way.
 */
export async function scanDisk(root: string, repositoryId: string | undefined, disk: DiskRef): Promise<DiskScan> {
  const folder = diskFolder(root, disk);
  for (const path of [dirname(folder), folder]) {
    const entry = await entryAt(path);
    if (entry !== undefined && entry.kind !== "folder")
      return { entries: [], sidecars: [], findings: [link(basename(path))], unsound: [] };
  }
  const first = await lookAt(folder, disk, repositoryId);
  return first.findings.length === 0 ? first : await lookAt(folder, disk, repositoryId);
}

async function lookAt(folder: string, disk: DiskRef, repositoryId: string | undefined): Promise<DiskScan> {
  const entries = await listFolder(folder);
  const found = entries.map((entry) => ({ entry, is: fileRole(entry.name) }));
  const read = await Promise.all(
    found.map(({ entry, is }) => (is.role === "sidecar" ? tryRead(folder, entry.name) : undefined)),
  );
  const readable = read.filter((one) => one !== undefined);
  const sidecars = readable.flatMap((one) => ("backup_id" in one ? [one] : []));
  const unread = readable.flatMap((one) => ("code" in one ? [one] : []));
  const ours = sidecars.filter((backup) => strangeness(backup, disk, repositoryId) === undefined);
  const strange = sidecars.flatMap((backup) => strangeness(backup, disk, repositoryId) ?? []);
  const named = new Map(entries.map((entry) => [entry.name, entry]));
  const files = ours.map((backup) => ({ id: backup.backup_id, findings: fileFindings(backup, named) }));
  const links = found.filter(({ entry, is }) => entry.kind !== "file" && is.role !== "system" && is.role !== "unknown");
  return {
    entries,
    sidecars: ours,
    findings: [
      ...links.filter(({ is }) => is.role !== "sidecar").map(({ entry }) => link(entry.name)),
      ...unread,
      ...strange,
      ...files.flatMap((file) => file.findings),
      ...(await orphans(folder, found)),
    ],
    unsound: files.flatMap((file) => (file.findings.length === 0 ? [] : [file.id])),
  };
}

async function tryRead(folder: string, name: string): Promise<Sidecar | Finding | undefined> {
  try {
    return await readSidecar(join(folder, name));
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    if (error.code === "NOT_FOUND") return undefined;
    return {
      code: "SIDECAR_DAMAGED",
      message: `${error.message}${error.details ? `: ${error.details}` : ""}`,
      file: name,
    };
  }
}

/** A sidecar that was copied here from elsewhere describes nothing of this disk. */
function strangeness(backup: Sidecar, disk: DiskRef, repositoryId: string | undefined): Finding | undefined {
  const file = sidecarName(backup.backup_id);
  if (backup.vm_context_id !== disk.vmContextId || backup.disk_id !== disk.diskId) {
    const owner = `disk ${backup.disk_id} of ${backup.vm_context_id}`;
    return { code: "SIDECAR_MISPLACED", message: `${file} belongs to ${owner}, in whose folder it is not`, file };
  }
  if (repositoryId === undefined || backup.repository_id === repositoryId) return undefined;
  const message = `${file} was written for the repository ${backup.repository_id}, this one is ${repositoryId}`;
  return { code: "SIDECAR_MISPLACED", message, file };
}

/** What is wrong with the files that a sidecar names. */
function fileFindings(backup: Sidecar, entries: ReadonlyMap<string, Entry>): Finding[] {
  const expected = [
    { what: "IMAGE", name: imageName(backup.backup_id), size: backup.file_size_bytes },
    { what: "MAP", name: mapName(backup.backup_id), size: backup.hash_map.size_bytes },
  ];
  return expected.flatMap(({ what, name, size }) => {
    const entry = entries.get(name);
    if (entry === undefined) return [{ code: `${what}_MISSING`, message: `${name} is missing`, file: name }];
    if (entry.kind !== "file")
      return [{ code: `${what}_MISSING`, message: `${name} is not a regular file`, file: name }];
    if (entry.sizeBytes === size) return [];
    const message = `${name} is ${entry.sizeBytes} bytes long instead of ${size}`;
    return [{ code: `${what}_SIZE`, message, file: name }];
  });
}

/** Files of a backup that has no sidecar and is neither being made nor being removed: reported, never removed. */
async function orphans(folder: string, found: { entry: Entry; is: FileRole }[]): Promise<Finding[]> {
  const known = new Set(found.flatMap(({ is }) => (is.role === "sidecar" || is.role === "job" ? [is.backupId] : [])));
  const jobs = await readJobs(folder);
  const removal = await readRemoval(folder);
  const removing = new Set(removal.journal?.backup_ids);
  const lost = found.flatMap(({ entry, is }) => {
    if (is.role !== "image" && is.role !== "map" && is.role !== "proof") return [];
    if (known.has(is.backupId) || removing.has(is.backupId)) return [];
    const message = `${entry.name} has no sidecar: what it holds is not known`;
    return [{ code: `${is.role.toUpperCase()}_ORPHANED`, message, file: entry.name }];
  });
  return [...lost, ...jobs.findings, ...removal.findings];
}

function link(name: string): Finding {
  return { code: "NOT_A_PLAIN_ENTRY", message: `${name} is a link or special file and was not followed`, file: name };
}

function unknown(name: string): Finding {
  return { code: "UNKNOWN_ENTRY", message: `${name} is not part of a repository`, file: name };
}
