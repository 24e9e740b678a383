/** The two files a key lives in: the host's own (secret, 0600) and the repository's (sealed by the recovery key). */
import { chmod, mkdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathId } from "@holdfast/protocol";
import { z } from "zod";
import { writeDurably } from "../durable.ts";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import { wrappedKey } from "./wrap.ts";

/** Stands at the top of an encrypted repository. */
export const KEYS_FILE = "holdfast-keys.json";

const time = z.iso.datetime();
const id = z.string().max(64);

const repositoryKeys = z.object({
  schema: z.literal("holdfast.keys/1"),
  repository_id: pathId,
  key_id: id,
  recovery_key_id: id,
  wrapped: wrappedKey,
  created_at: time,
});
export type RepositoryKeys = z.infer<typeof repositoryKeys>;

const hostKey = z.object({
  schema: z.literal("holdfast.host-key/1"),
  primary_key: z.base64(),
  recovery_passphrase: z.string().min(1).max(200),
  /** null until a person showed that they hold the recovery key. */
  confirmed_at: time.nullable(),
  /** A copy of the repository's file, from which that one is written again when it is lost. */
  keys: repositoryKeys,
});
export type HostKey = z.infer<typeof hostKey>;

/** Where the host keeps the key of a repository; BAD_REQUEST for an id that is none. */
export function hostKeyPath(stateDir: string, repositoryId: string): string {
  const checked = pathId.safeParse(repositoryId);
  if (checked.success) return join(stateDir, "keys", `${checked.data}.json`);
  const message = `${JSON.stringify(repositoryId.slice(0, 100))} is not a repository id`;
  throw new HoldfastError("BAD_REQUEST", { message, remedy: "Use the id as the configuration has it." });
}

/** The host's key; undefined when it has none. NO_PERMISSION when others can read the file, IO_ERROR when it is damaged. */
export async function readHostKey(stateDir: string, repositoryId: string): Promise<HostKey | undefined> {
  const path = hostKeyPath(stateDir, repositoryId);
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  if (process.platform !== "win32" && ((await stat(path)).mode & 0o077) !== 0)
    throw new HoldfastError("NO_PERMISSION", {
      message: `the key ${path} can be read by other users`,
      remedy: `Take that right away: chmod 600 ${path}. If others may have read it, treat the key as known to them.`,
    });
  return parseFile(path, text, hostKey, "Bring it back with `holdfast-agent repository key import`.");
}

/** Writes the host's key durably, readable by its owner only. */
export async function writeHostKey(stateDir: string, repositoryId: string, key: HostKey): Promise<void> {
  const path = hostKeyPath(stateDir, repositoryId);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await chmod(dirname(path), 0o700);
    await writeDurably(path, `${JSON.stringify(key, null, 2)}\n`, 0o600);
  } catch (error) {
    throw asHoldfastError(error, `writing the key ${path}`);
  }
}

/** The repository's sealed key; undefined when it has none. REPOSITORY_DAMAGED when the file cannot be used. */
export async function readRepositoryKeys(repositoryPath: string): Promise<RepositoryKeys | undefined> {
  const path = join(repositoryPath, KEYS_FILE);
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  return parseFile(
    path,
    text,
    repositoryKeys,
    "Remove it; the host that holds the key writes it again at its next run.",
  );
}

/** Writes the repository's sealed key durably. */
export async function writeRepositoryKeys(repositoryPath: string, keys: RepositoryKeys): Promise<void> {
  const path = join(repositoryPath, KEYS_FILE);
  try {
    await writeDurably(path, `${JSON.stringify(keys, null, 2)}\n`);
  } catch (error) {
    throw asHoldfastError(error, `writing ${path}`);
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw asHoldfastError(error, `reading ${path}`);
  }
}

function parseFile<T>(path: string, text: string, schema: z.ZodType<T>, remedy: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  // Neither the text nor the parser's words about it: both could hold a piece of the key.
  throw new HoldfastError("REPOSITORY_DAMAGED", { message: `${path} is damaged`, remedy });
}
