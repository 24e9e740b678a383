/** The authority's files: made as a whole or not at all, because a root that was told to agents cannot be made again. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { PARTIAL, partialName, syncFolder, writeNewFile } from "../../durable.ts";
import { ControllerError } from "../../errors.ts";

/** The texts of the files, all PEM; keys as PKCS #8. */
export type AuthorityFiles = { "root.pem": string; "root.key": string; "issuing.pem": string; "issuing.key": string };
export type AuthorityParts = { root: X509Certificate; issuing: X509Certificate; issuingKey: KeyObject };

/**
 * Writes the files into a folder of another name and renames that, so that a crash leaves no folder or a whole one.
 * Resolves with false when another process had made the folder by then; that one counts.
 */
export async function writeAuthority(folder: string, files: AuthorityFiles): Promise<boolean> {
  const partial = partialName(folder);
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  await mkdir(partial, { mode: 0o700 });
  try {
    for (const [name, text] of Object.entries(files)) await writeNewFile(join(partial, name), text);
    await syncFolder(partial);
    await rename(partial, folder);
  } catch (error) {
    await removeFolder(partial);
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTEMPTY" || code === "EEXIST") return false;
    // The one who was first has tidied this one's half away: then its own stands.
    if (code === "ENOENT" && (await isMade(folder))) return false;
    throw error;
  }
  await syncFolder(dirname(folder));
  return true;
}

/** Removes what kills left of other tries; only for when the folder itself stands. */
export async function removePartials(folder: string): Promise<void> {
  for (const name of await readdir(dirname(folder))) {
    const isLeft = name.startsWith(`${basename(folder)}.`) && name.endsWith(PARTIAL);
    if (isLeft) await removeFolder(join(dirname(folder), name));
  }
}

/** Another start may still be writing into it: what it adds meanwhile is its own to remove, once its rename is refused. */
async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY") throw error;
  });
}

async function isMade(folder: string): Promise<boolean> {
  return await readdir(folder).then(
    (names) => names.length > 0,
    () => false,
  );
}

/**
 * Reads and checks the files; undefined when there is no folder or an empty one. `root.key` may be kept elsewhere: it is
 * only needed to make a new issuing authority. BAD_CONFIG when anything else is missing or does not fit.
 */
export async function readAuthority(folder: string): Promise<AuthorityParts | undefined> {
  const found: string[] = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw problem(folder, "cannot be read", error);
  });
  if (found.length === 0) return undefined;
  const root = certificateOf(folder, "root.pem", await read(folder, "root.pem"));
  const issuing = certificateOf(folder, "issuing.pem", await read(folder, "issuing.pem"));
  const issuingKey = keyOf(folder, "issuing.key", await read(folder, "issuing.key"), issuing);
  if (found.includes("root.key")) keyOf(folder, "root.key", await read(folder, "root.key"), root);
  if (!root.ca || !root.verify(root.publicKey)) throw problem(join(folder, "root.pem"), "is not a root certificate");
  if (!issuing.ca || !issuing.checkIssued(root) || !issuing.verify(root.publicKey))
    throw problem(join(folder, "issuing.pem"), "was not signed by root.pem");
  await chmod(folder, 0o700);
  return { root, issuing, issuingKey };
}

async function read(folder: string, name: keyof AuthorityFiles): Promise<string> {
  const path = join(folder, name);
  try {
    if (name.endsWith(".key")) await chmod(path, 0o600);
    return await readFile(path, "utf8");
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw problem(path, isMissing ? "is missing" : "cannot be read", error);
  }
}

function certificateOf(folder: string, name: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (error) {
    throw problem(join(folder, name), "is not a certificate", error);
  }
}

function keyOf(folder: string, name: string, text: string, certificate: X509Certificate): KeyObject {
  const path = join(folder, name);
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch (error) {
    throw problem(path, "is not a private key", error);
  }
  if (certificate.checkPrivateKey(key)) return key;
  throw problem(path, "does not belong to the certificate beside it");
}

function problem(path: string, what: string, cause?: unknown): ControllerError {
  return new ControllerError("BAD_CONFIG", {
    message: `the certificate authority cannot be used: ${path} ${what}`,
    details:
      "Bring the whole folder back from a backup. Agents trust only this root: with a new one, each must enrol again.",
    cause,
  });
}
