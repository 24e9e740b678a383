import { createHash } from "node:crypto";
import { z } from "zod";

/** An id that is also a folder name: no separator, no leading dot, at most 64 characters. */
export const pathId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    "use letters, digits, '.', '_' and '-' only, at most 64, starting with a letter or digit",
  )
  .refine((id) => !id.includes(".."), "must not contain '..'");

/** `backup-<vm>-disk<n>-<YYYYMMDD-HHMMSS>[-<k>]`, as contract §2 names it. */
export const backupId = z
  .string()
  .max(160)
  .regex(
    /^backup-[A-Za-z0-9][A-Za-z0-9._-]*-disk\d+-\d{8}-\d{6}(-\d+)?$/,
    "is not a backup id (backup-<vm>-disk<n>-<YYYYMMDD-HHMMSS>)",
  )
  .refine((id) => !id.includes(".."), "must not contain '..'");

/** A VM's name as it may stand in a path: sanitised, plus six hex digits that keep two names apart. */
export function vmNameInPath(vmName: string): string {
  const clean = vmName
    .replace(/[^A-Za-z0-9_-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+|-+$/g, "")
    .slice(0, 60);
  const digest = createHash("sha256").update(vmName).digest("hex").slice(0, 6);
  return clean === "" ? `vm-${digest}` : `${clean}-${digest}`;
}

/** `YYYYMMDD-HHMMSS` in UTC. */
export function timeInName(at: Date): string {
  const digits = at.toISOString().replace(/[-:]/g, "");
  return `${digits.slice(0, 8)}-${digits.slice(9, 15)}`;
}

/** The id for a backup of one disk at `at`; `taken` answers whether an id is in use, which adds `-2`, `-3`, …. */
export function makeBackupId(vmName: string, diskId: number, at: Date, taken: (id: string) => boolean): string {
  return freeBackupId(`backup-${vmNameInPath(vmName)}-disk${diskId}-${timeInName(at)}`, taken);
}

/** The id itself, or with the first of `-2`, `-3`, … that is not taken. */
export function freeBackupId(wished: string, taken: (id: string) => boolean): string {
  if (!taken(wished)) return wished;
  const base = wished.replace(/(-\d{8}-\d{6})-\d+$/, "$1");
  for (let k = 2; ; k++) if (!taken(`${base}-${k}`)) return `${base}-${k}`;
}

/** NBD export name `backup-<ctx>-disk<n>-<type>-<YYYYMMDDTHHMMSS>`, at most 63 characters; ctx is shortened first. */
export function nbdExportName(vmContextId: string, diskId: number, type: "full" | "incremental", at: Date): string {
  const tail = `-disk${diskId}-${type}-${timeInName(at).replace("-", "T")}`;
  return `backup-${vmContextId.slice(0, 63 - "backup-".length - tail.length)}${tail}`;
}
