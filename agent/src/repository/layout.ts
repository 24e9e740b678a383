/** Names on disk (pure): which file stands where, and what a name found in a folder means. */
import { join } from "node:path";
import { backupId as backupIdSchema, pathId } from "@holdfast/protocol";
import { HoldfastError } from "../errors.ts";

/** A disk of a VM: the item that is protected, and one folder of the repository. */
export type DiskRef = { vmContextId: string; diskId: number };

export const MARKER_FILE = "holdfast-repository.json";
export const CHAIN_FILE = "chain.json";
export const REMOVAL_FILE = "removal.json";
const LOCK_FILE = ".lock";
export const EVIDENCE_LOCK_FILE = ".evidence.lock";

const LAST_DISK = 999;

/** What a file's name says it is; `partial` is a durable write that was cut off, `system` what a file system left. */
export type FileRole =
  | { role: "image" | "map" | "sidecar" | "proof" | "job"; backupId: string }
  | { role: "chain" | "removal" | "partial" | "system" | "unknown" };

const ENDINGS = [
  ["proof", ".qcow2.proof.json"],
  ["sidecar", ".qcow2.json"],
  ["map", ".qcow2.map"],
  ["image", ".qcow2"],
  ["job", ".job.json"],
] as const;

/** The id itself, or BAD_REQUEST: nothing else may become part of a path. */
export function checkedBackupId(backupId: string): string {
  const parsed = backupIdSchema.safeParse(backupId);
  if (parsed.success) return parsed.data;
  throw badId("backup id", backupId, parsed.error.issues[0]?.message);
}

/** `<root>/<vm_context_id>/disk-<n>`; BAD_REQUEST for an id that is none. */
export function diskFolder(root: string, disk: DiskRef): string {
  const context = pathId.safeParse(disk.vmContextId);
  if (!context.success) throw badId("VM context id", disk.vmContextId, context.error.issues[0]?.message);
  if (!Number.isInteger(disk.diskId) || disk.diskId < 0 || disk.diskId > LAST_DISK)
    throw badId("disk number", String(disk.diskId), `use a whole number from 0 to ${LAST_DISK}`);
  return join(root, context.data, `disk-${disk.diskId}`);
}

/** The disk whose folder has these two names, or undefined when they are not names that `diskFolder` makes. */
export function diskOfNames(contextName: string, folderName: string): DiskRef | undefined {
  const number = /^disk-(0|[1-9]\d{0,2})$/.exec(folderName)?.[1];
  if (number === undefined || !pathId.safeParse(contextName).success) return undefined;
  return { vmContextId: contextName, diskId: Number(number) };
}

export const imageName = (backupId: string): string => `${checkedBackupId(backupId)}.qcow2`;
export const mapName = (backupId: string): string => `${imageName(backupId)}.map`;
export const sidecarName = (backupId: string): string => `${imageName(backupId)}.json`;
export const proofName = (backupId: string): string => `${imageName(backupId)}.proof.json`;
export const jobName = (backupId: string): string => `${checkedBackupId(backupId)}.job.json`;

export const imagePath = (folder: string, backupId: string): string => join(folder, imageName(backupId));
export const mapPath = (folder: string, backupId: string): string => join(folder, mapName(backupId));
export const sidecarPath = (folder: string, backupId: string): string => join(folder, sidecarName(backupId));
export const proofPath = (folder: string, backupId: string): string => join(folder, proofName(backupId));
export const jobPath = (folder: string, backupId: string): string => join(folder, jobName(backupId));
export const lockPath = (folder: string): string => join(folder, LOCK_FILE);

/** Reads a name found in a disk folder. Dot files (locks, `.nfs…`) are no one's business here. */
export function fileRole(name: string): FileRole {
  if (name.startsWith(".")) return { role: "system" };
  if (name === CHAIN_FILE) return { role: "chain" };
  if (name === REMOVAL_FILE) return { role: "removal" };
  const written = /^(.+)\.[0-9a-f]{8}\.partial$/.exec(name)?.[1];
  if (written !== undefined && isWrittenWhole(written)) return { role: "partial" };
  for (const [role, ending] of ENDINGS) {
    if (!name.endsWith(ending)) continue;
    const id = name.slice(0, -ending.length);
    if (backupIdSchema.safeParse(id).success) return { role, backupId: id };
  }
  return { role: "unknown" };
}

/** Names at the repository's top that a file system makes by itself. */
export function isSystemFolder(name: string): boolean {
  return name.startsWith(".") || ["lost+found", "System Volume Information", "$RECYCLE.BIN"].includes(name);
}

/** The files that are only ever replaced as a whole, so that a cut-off copy of one is worth nothing. */
function isWrittenWhole(name: string): boolean {
  return ["chain", "removal", "sidecar", "proof", "job"].includes(fileRole(name).role);
}

function badId(what: string, value: string, why: string | undefined): HoldfastError {
  return new HoldfastError("BAD_REQUEST", {
    message: `${JSON.stringify(value.slice(0, 200))} is not a ${what}${why === undefined ? "" : `: ${why}`}`,
    remedy: "Use the id as the catalogue lists it (holdfast-agent repository list).",
  });
}
