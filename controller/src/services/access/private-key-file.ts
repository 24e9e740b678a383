import { createPrivateKey, type KeyObject } from "node:crypto";
import { chmod, link, mkdir, readFile, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { partialName, syncFolder, writeNewFile } from "../../durable.ts";

/** `isNew`: it was made by this call, so nothing was signed with it yet. */
export type KeptKey = { privateKey: KeyObject; isNew: boolean };

/** The PEM key in the file (mode 0600), made by `make` when it is missing. Two starts at once get the same one. */
export async function keepPrivateKey(path: string, make: () => KeyObject): Promise<KeptKey> {
  const known = await readKey(path);
  if (known !== null) return { privateKey: known, isNew: false };
  const isNew = await writeNewKey(path, make());
  const made = await readKey(path);
  if (made === null) throw new Error(`the key ${path} vanished while it was made`);
  return { privateKey: made, isNew };
}

async function readKey(path: string): Promise<KeyObject | null> {
  try {
    const pem = await readFile(path, "utf8");
    return createPrivateKey(pem);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** A link never replaces a file that another start made in the meantime; false when there was one. */
async function writeNewKey(path: string, key: KeyObject): Promise<boolean> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const partial = partialName(path);
  const pem = key.export({ type: "pkcs8", format: "pem" });
  await writeNewFile(partial, pem);
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
