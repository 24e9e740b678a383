/** Reading folders and small files of a repository without ever following a symbolic link out of it. */
import { constants } from "node:fs";
import { lstat, mkdir, open, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncFolder } from "../durable.ts";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import { type DiskRef, diskFolder } from "./layout.ts";

export type EntryKind = "file" | "folder" | "symlink" | "other";
export type Entry = { name: string; kind: EntryKind; sizeBytes: number };

const SMALL_FILE_LIMIT = 4 * 1024 * 1024;

/** Runs `work`; a system error leaves as a HoldfastError that says what was being done. */
export async function explained<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asHoldfastError(error, doing);
  }
}

/** What stands at `path`, not following a link; undefined when nothing does. */
export async function entryAt(path: string): Promise<Entry | undefined> {
  try {
    const found = await lstat(path);
    const kind = found.isSymbolicLink()
      ? "symlink"
      : found.isDirectory()
        ? "folder"
        : found.isFile()
          ? "file"
          : "other";
    return { name: path.slice(dirname(path).length).replace(/^[\\/]/, ""), kind, sizeBytes: found.size };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The entries of a folder in name order, all or those with names that are wanted; empty when there is no such folder. */
export async function listFolder(path: string, isWanted?: (name: string) => boolean): Promise<Entry[]> {
  const names = await readdir(path).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const wanted = isWanted === undefined ? names : names.filter(isWanted);
  const entries = await Promise.all(wanted.sort().map((name) => entryAt(join(path, name))));
  return entries.filter((entry) => entry !== undefined);
}

/** The text of a regular file of at most 4 MiB. REPOSITORY_DAMAGED for a link, a pipe, a giant or bytes that are no UTF-8. */
export async function readSmallFile(path: string): Promise<string> {
  const entry = await lstat(path);
  if (!entry.isFile()) throw damaged(path, entry.isSymbolicLink() ? "is a symbolic link" : "is not a regular file");
  if (entry.size > SMALL_FILE_LIMIT) throw damaged(path, `is ${entry.size} bytes long, which no file of its kind is`);
  await using file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  const bytes = await file.readFile();
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw damaged(path, "is not UTF-8 text", cause);
  }
}

/** The JSON value in a small file; REPOSITORY_DAMAGED when it does not parse. */
export async function readJsonFile(path: string): Promise<unknown> {
  const text = await readSmallFile(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw damaged(path, "is not JSON", cause);
  }
}

/** How our small files look on disk. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Makes the folder of a disk, durably, and returns it. REPOSITORY_DAMAGED when a link stands in its place. */
export async function ensureDiskFolder(root: string, disk: DiskRef): Promise<string> {
  const folder = diskFolder(root, disk);
  return await explained(`making ${folder}`, async () => {
    for (const path of [dirname(folder), folder]) {
      const entry = await entryAt(path);
      if (entry === undefined) {
        await mkdir(path).catch(ignoreExisting);
        await syncFolder(dirname(path));
      } else if (entry.kind !== "folder") {
        throw damaged(path, entry.kind === "symlink" ? "is a symbolic link" : "is not a folder");
      }
    }
    return folder;
  });
}

/** A REPOSITORY_DAMAGED error about one file. */
export function damaged(path: string, what: string, cause?: unknown): HoldfastError {
  return new HoldfastError("REPOSITORY_DAMAGED", {
    message: `${path} ${what}`,
    remedy: "Run `holdfast-agent repository check` to see what else is affected, then restore the file from a copy.",
    ...(cause instanceof Error && { details: cause.message, cause }),
  });
}

export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ENOTDIR";
}

function ignoreExisting(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
}
