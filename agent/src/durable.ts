import { randomBytes } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Ending of everything that is not finished; start-up removes what a crash left under it. */
export const PARTIAL = ".partial";

const RENAME_TRIES = 10;
const onWindows = process.platform === "win32";

/** Makes a file's bytes durable. On Windows the handle must be writable, so it is opened so everywhere. */
export async function syncFile(path: string): Promise<void> {
  await using file = await open(path, "r+");
  await file.sync();
}

/** Makes a folder's entries durable. Windows cannot sync a folder; NTFS journals the rename itself. */
export async function syncFolder(path: string): Promise<void> {
  if (onWindows) return;
  await using folder = await open(path, "r");
  await folder.sync();
}

/**
 * Renames over the target and makes it durable. Windows refuses while anyone has the target open
 * (a virus scanner, an indexer), so there it is tried again for about two seconds.
 */
export async function renameDurably(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await rename(from, to);
      break;
    } catch (error) {
      const busy = ["EPERM", "EACCES", "EBUSY"].includes((error as NodeJS.ErrnoException).code ?? "");
      if (!onWindows || !busy || attempt === RENAME_TRIES) throw error;
      await new Promise((wake) => setTimeout(wake, 40 * attempt));
    }
  }
  await syncFolder(dirname(to));
}

/** Removes a file and makes the removal durable; a file that is gone already is fine. */
export async function removeDurably(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncFolder(dirname(path));
}

/**
 * Writes a whole file so that a power cut leaves the old content or the new one, never a mixture:
 * partial, sync, rename, sync the folder. Throws the system error of the step that failed, with no partial left behind.
 */
export async function writeDurably(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  const partial = `${path}.${randomBytes(4).toString("hex")}${PARTIAL}`;
  try {
    let file: FileHandle | undefined;
    try {
      file = await open(partial, "wx", mode);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file?.close();
    }
    await renameDurably(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
