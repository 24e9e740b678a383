import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { chmod, link, mkdir, readFile, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { partialName, syncFolder, writeNewFile } from "../../durable.ts";

/** The key that signs people's tokens. `isNew`: it was made by this call, so no token exists yet. */
export type SigningKey = { privateKey: KeyObject; isNew: boolean };

/** The Ed25519 key in `<folder>/token-signing.pem` (mode 0600), made when it is missing. Two starts at once get the same one. */
export async function openSigningKey(folder: string): Promise<SigningKey> {
  const path = join(folder, "token-signing.pem");
  const known = await readKey(path);
  if (known !== null) return { privateKey: known, isNew: false };
  const isNew = await writeNewKey(path);
  const made = await readKey(path);
  if (made === null) throw new Error("the token signing key vanished while it was made");
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
async function writeNewKey(path: string): Promise<boolean> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const partial = partialName(path);
  const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
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
