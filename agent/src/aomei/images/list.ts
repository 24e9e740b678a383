/** The image files below a folder. */
import { readdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { HoldfastError } from "../../errors.ts";

export type ListedImage = {
  path: string;
  /** Below the folder. */
  name: string;
  kind: "adi" | "afi";
  size: number;
  modifiedMs: number;
  /** When the file was made; file systems that do not know it say something else. */
  bornMs: number;
};

const MOST = 20_000;
const DEEPEST = 6;

/** Throws what keeps it from looking everywhere: images that were not looked for must not seem to be gone. */
export async function listImages(folder: string): Promise<ListedImage[]> {
  const found: ListedImage[] = [];
  await walk(folder, { folder, found, depth: 0 });
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

type Walk = { folder: string; found: ListedImage[]; depth: number };

async function walk(at: string, { folder, found, depth }: Walk): Promise<void> {
  for (const entry of await readdir(at, { withFileTypes: true })) {
    const path = join(at, entry.name);
    if (entry.isDirectory() && depth < DEEPEST) await unlessGone(walk(path, { folder, found, depth: depth + 1 }));
    const kind = /\.(adi|afi)$/i.exec(entry.name)?.[1]?.toLowerCase();
    if (!entry.isFile() || kind === undefined) continue;
    if (found.length >= MOST) throw tooMany(folder);
    const stats = await unlessGone(stat(path));
    if (stats === undefined) continue;
    const { size, mtimeMs: modifiedMs, birthtimeMs: bornMs } = stats;
    found.push({ path, name: relative(folder, path), kind: kind === "afi" ? "afi" : "adi", size, modifiedMs, bornMs });
  }
}

async function unlessGone<T>(looking: Promise<T>): Promise<T | undefined> {
  try {
    return await looking;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function tooMany(folder: string): HoldfastError {
  return new HoldfastError("BAD_REQUEST", {
    message: `more than ${MOST} images lie in ${folder}`,
    remedy: "Name the folders inside it instead.",
  });
}
