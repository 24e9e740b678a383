/** Whether a place lies inside folders that the host allows, links followed, also when it does not exist yet. */
import { realpath } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { asHoldfastError } from "../../errors.ts";

export async function isInside(path: string, folders: readonly string[]): Promise<boolean> {
  const real = await realPlace(resolve(path));
  for (const folder of folders) {
    const allowed = await realPlace(resolve(folder));
    if (real === allowed || real.startsWith(allowed.endsWith(sep) ? allowed : `${allowed}${sep}`)) return true;
  }
  return false;
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
