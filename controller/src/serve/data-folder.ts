/** The folder with everything that a controller must not lose; one controller at a time. */
import { access, chmod, constants, mkdir, readdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { ControllerError } from "../errors.ts";
import type { Room } from "../services/metrics/readiness.ts";
import { lockSqliteFile } from "../store/sqlite-file.ts";

/** Where things are in a data folder. */
export function dataPaths(folder: string) {
  return {
    database: join(folder, "controller.db"),
    pki: join(folder, "pki"),
    rootCertificate: join(folder, "pki", "root.pem"),
    keys: join(folder, "keys"),
    signingKey: join(folder, "keys", "token-signing.pem"),
    secretsKey: join(folder, "keys", "secrets.key"),
    evidenceKey: join(folder, "keys", "evidence.pem"),
    evidence: join(folder, "evidence"),
    settings: join(folder, "controller.json"),
    lock: join(folder, "controller"),
  };
}

const OURS = ["controller.json", "controller.lock", "controller.db", "pki", "keys"];

/**
 * Makes the folder, for its owner alone. BAD_CONFIG when it holds something else, whose rights are nobody's to change
 * here; the system's error when it cannot be made or written.
 */
export async function openDataFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await readdir(folder);
  if (found.length > 0 && !found.some((name) => OURS.includes(name)))
    throw new ControllerError("BAD_CONFIG", {
      message: `${folder} holds other things: name an empty folder, or one that does not exist yet, with --data-dir.`,
      details: `it holds ${found.slice(0, 5).join(", ")}`,
    });
  await chmod(folder, 0o700);
  await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
}

/** Held until it is closed or the process ends, however it ends. DATABASE_IN_USE: another controller has the folder. */
export function lockDataFolder(folder: string): Disposable {
  try {
    const lock = lockSqliteFile(dataPaths(folder).lock);
    return { [Symbol.dispose]: () => void lock.close() };
  } catch (error) {
    if (!(error instanceof ControllerError) || error.code !== "DATABASE_IN_USE") throw error;
    throw new ControllerError("DATABASE_IN_USE", {
      message: `another controller runs on ${folder}: stop it first, or give this one a folder of its own with --data-dir.`,
      cause: error,
    });
  }
}

/** Of the folder's medium, as far as this user may fill it. */
export async function roomOf(folder: string): Promise<Room> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}
