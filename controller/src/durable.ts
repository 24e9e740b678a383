/** Files of the controller's data folder that a power cut must not lose. The controller runs on POSIX systems only. */
import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";

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

/**
 * Makes a file for its owner alone, and its folder, all on the medium when this returns; false when it was there: a link
 * never replaces what another start made in the meantime.
 */
export async function makeOnce(path: string, content: string | Uint8Array): Promise<boolean> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const partial = partialName(path);
  await writeNewFile(partial, content);
  try {
    await link(partial, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await unlink(partial);
    await syncFolder(folder);
  }
}
