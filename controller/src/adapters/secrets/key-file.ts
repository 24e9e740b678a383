import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, readFile, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { partialName, syncFolder, writeNewFile } from "../../durable.ts";
import { KEY_BYTES } from "./box.ts";

/**
 * The key in the file (mode 0600), made when it is missing; two starts at once get the same one. Throws when the file
 * holds anything else: a new key would make every sealed secret unreadable without a word.
 */
export async function openKeyFile(path: string): Promise<Buffer> {
  const key = (await read(path)) ?? (await make(path));
  if (key.length !== KEY_BYTES) throw new Error(`${path} does not hold a key of ${KEY_BYTES} bytes`);
  return key;
}

async function read(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** A link never replaces a file that another start made in the meantime. */
async function make(path: string): Promise<Buffer> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const partial = partialName(path);
  await writeNewFile(partial, randomBytes(KEY_BYTES));
  try {
    await link(partial, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await unlink(partial);
    await syncFolder(folder);
  }
  return await readFile(path);
}
