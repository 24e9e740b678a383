import { realpath } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { asHoldfastError, HoldfastError } from "../../../errors.ts";

/**
 * The real path of a source, which must lie inside one of the folders that the host's own configuration allows
 * (links are followed first, so none leads out). Throws SOURCE_MISSING or SOURCE_NOT_ALLOWED.
 */
export async function resolveInsideRoots(path: string, roots: readonly string[]): Promise<string> {
  const real = await realPath(path);
  for (const root of roots) {
    const realRoot = await realpath(root).catch(() => resolve(root));
    if (real === realRoot || real.startsWith(realRoot.endsWith(sep) ? realRoot : `${realRoot}${sep}`)) return real;
  }
  const allowed = roots.length === 0 ? "none is configured" : roots.join(", ");
  throw new HoldfastError("SOURCE_NOT_ALLOWED", {
    message: `${path} is outside the folders that this host allows as sources`,
    remedy: "Add its folder to `roots` in the agent's own configuration file, or move the disk.",
    details: real === path ? `allowed: ${allowed}` : `it leads to ${real}; allowed: ${allowed}`,
  });
}

async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const known = asHoldfastError(error, `source ${path}`);
    if (known.code !== "NOT_FOUND") throw known;
    const remedy = "Check the path, and that the file system it is on is mounted.";
    throw new HoldfastError("SOURCE_MISSING", { message: `the source ${path} does not exist`, remedy, cause: error });
  }
}
