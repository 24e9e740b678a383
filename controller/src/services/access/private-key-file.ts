import { createPrivateKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { makeOnce } from "../../durable.ts";

/** `isNew`: it was made by this call, so nothing was signed with it yet. */
export type KeptKey = { privateKey: KeyObject; isNew: boolean };

/** The PEM key in the file (mode 0600), made by `make` when it is missing. Two starts at once get the same one. */
export async function keepPrivateKey(path: string, make: () => KeyObject): Promise<KeptKey> {
  const known = await readKey(path);
  if (known !== null) return { privateKey: known, isNew: false };
  const isNew = await makeOnce(path, make().export({ type: "pkcs8", format: "pem" }));
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
