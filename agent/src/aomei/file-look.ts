/** What a log file is like from outside: enough to see that it changed, and to say why it cannot be read. */
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { asHoldfastError } from "../errors.ts";
import type { SourceLook } from "./source-state.ts";

export type FileLook = { size: number; modifiedMs: number; signature: string };
export type Unreadable = Pick<SourceLook, "state" | "reason">;

/** Throws the system error. */
export async function lookAtFile(path: string): Promise<FileLook> {
  const { size, mtimeNs, ino } = await stat(path, { bigint: true });
  return { size: Number(size), modifiedMs: Number(mtimeNs / 1_000_000n), signature: `${size}:${mtimeNs}:${ino}` };
}

/** Where the vendor's installer puts the program, and the folder of its logs. */
const VENDOR_FOLDERS = [
  "C:\\ProgramData\\AomeiBR",
  "C:\\Program Files (x86)\\AOMEI",
  "C:\\Program Files (x86)\\AOMEI Backupper",
];

/** Why a log cannot be read, in words for an admin. `isDefault`: nobody configured it. */
export async function explainUnreadable(path: string, isDefault: boolean, error: unknown): Promise<Unreadable> {
  const { code, message } = asHoldfastError(error, `reading ${path}`);
  if (code !== "NOT_FOUND") return { state: "unreadable", reason: message.slice(0, 4000) };
  if (!isDefault) {
    const folder = dirname(path);
    const isThere = await exists(folder);
    const why = isThere ? `there is no ${path}` : `there is no folder ${folder}: is it mounted?`;
    return { state: "absent", reason: why };
  }
  for (const folder of VENDOR_FOLDERS)
    if (await exists(folder))
      return { state: "absent", reason: `AOMEI Backupper is installed (${folder}), but it has no log ${path} yet` };
  return { state: "not_installed", reason: "no AOMEI Backupper was found on this host" };
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== "ENOENT",
  );
}
