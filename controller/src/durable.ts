/** Files of the controller's data folder that a power cut must not lose. The controller runs on POSIX systems only. */
import { randomBytes } from "node:crypto";
import { open } from "node:fs/promises";

/** Ending of everything that is not finished. */
export const PARTIAL = ".partial";

/** A name beside `path` that nothing else uses, for what is renamed to `path` when it is whole. */
export function partialName(path: string): string {
  return `${path}.${randomBytes(4).toString("hex")}${PARTIAL}`;
}

/** Makes a folder's entries durable. */
export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}

/** Writes a file that must not exist, and its bytes to the medium; the folder is the caller's to sync. */
export async function writeNewFile(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  await using file = await open(path, "wx", mode);
  await file.writeFile(content);
  await file.sync();
}
