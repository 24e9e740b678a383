/** Whether a place lies inside folders that the host allows, links followed, also when it does not exist yet. */
import { realpath } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { asHoldfastError } from "../../errors.ts";

/** `folders` as `realFolders` has them. */
export async function isInside(path: string, folders: readonly string[]): Promise<boolean> {
  const real = await realPlace(resolve(path));
  return folders.some(
    (folder) => real === folder || real.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`),
  );
}

/** Looked up once for many paths: links followed. One that cannot be looked up allows nothing. */
export async function realFolders(folders: readonly string[]): Promise<string[]> {
  const real = await Promise.all(folders.map((folder) => realPlace(resolve(folder)).catch(() => [])));
  return real.flat();
}

/** The real path of as much as exists, and the rest by name. */
async function realPlace(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const known = asHoldfastError(error, `looking at ${path}`);
    if (known.code !== "NOT_FOUND" || dirname(path) === path) throw known;
    return join(await realPlace(dirname(path)), basename(path));
  }
}
