/** The file a recovery key is written out to and read from. */
import { open, readFile, realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { syncFolder } from "../durable.ts";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import { parseRecoveryKey, recoveryKeyText } from "./recovery-text.ts";

const LIMIT = 64 * 1024;

/**
 * Writes the key with its explanation to a file that must not exist (CONFLICT), readable by its owner only, synced.
 */
export async function writeRecoveryFile(
  path: string,
  key: { recoveryKey: Uint8Array; recoveryKeyId: string; repositoryId: string; at: Date },
): Promise<void> {
  const text = [
    "# Holdfast recovery key",
    `# It opens every encrypted backup of the repository "${key.repositoryId}", without the host that made them.`,
    "# Print it or keep it on a medium that is neither on that host nor in the repository. Whoever has it can read all.",
    `# ${key.recoveryKeyId}, written ${key.at.toISOString()}`,
    recoveryKeyText(key.recoveryKey),
    "",
  ].join("\n");
  await writeSecretFile(path, text);
}

/** Writes to a file that must not exist (CONFLICT), readable by its owner only, synced. */
export async function writeSecretFile(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await using file = await open(path, "wx", 0o600);
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw asHoldfastError(error, `writing ${path}`);
    throw new HoldfastError("CONFLICT", {
      message: `${path} exists already and is not overwritten`,
      remedy: "Name another file.",
      cause: error,
    });
  }
  await syncFolder(dirname(resolve(path)));
}

/** The recovery key in a file. NOT_FOUND and the like, BAD_REQUEST when the file holds none. */
export async function readRecoveryFile(path: string): Promise<Uint8Array> {
  try {
    if ((await stat(path)).size > LIMIT)
      throw new HoldfastError("BAD_REQUEST", { message: `${path} is too large to be a recovery key` });
    return parseRecoveryKey(await readFile(path, "utf8"));
  } catch (error) {
    throw asHoldfastError(error, `reading the recovery key ${path}`);
  }
}

/** Sentences about why a place is a bad one for a recovery key; the file exists. */
export async function placeWarnings(
  path: string,
  places: { repositoryPath: string; stateDir: string },
): Promise<string[]> {
  const real = await realpath(path);
  const repository = await realpath(places.repositoryPath);
  const way = relative(repository, real);
  const inside = way !== "" && !way.startsWith("..") && !isAbsolute(way);
  const sameDisk = (await stat(real)).dev === (await stat(places.stateDir)).dev;
  return [
    ...(inside ? [`${path} lies inside the repository: whoever gets the backups gets the key to them.`] : []),
    ...(sameDisk
      ? [`${path} is on the same disk as the agent's own key: move it elsewhere, both could burn together.`]
      : []),
  ];
}
