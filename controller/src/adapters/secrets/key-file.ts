import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { makeOnce } from "../../durable.ts";
import { KEY_BYTES } from "./box.ts";

/**
 * The key in the file (mode 0600), made when it is missing; two starts at once get the same one. Throws when the file
 * holds anything else: a new key would make every sealed secret unreadable without a word.
 */
export async function openKeyFile(path: string): Promise<Buffer> {
  if ((await read(path)) === null) await makeOnce(path, randomBytes(KEY_BYTES));
  const key = await readFile(path);
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
