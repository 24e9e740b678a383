/** Scratch folders for drills: private, named after the process that made them, removed whatever happens. */
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { asHoldfastError } from "../errors.ts";

const NAME = /^holdfast-drill-([1-9]\d{0,9})-(\d{1,20})-[A-Za-z0-9]{6}$/;

/** Those of this process that are in use; a process id alone could be that of an earlier life of ours. */
const inUse = new Set<string>();

export type Scratch = { folder: string; [Symbol.asyncDispose]: () => Promise<void> };

/** Makes an empty folder (0700) in `parent`, which must exist. */
export async function makeScratch(parent: string): Promise<Scratch> {
  try {
    const folder = await mkdtemp(join(parent, `holdfast-drill-${process.pid}-${startOf(process.pid) ?? 0}-`));
    inUse.add(folder);
    return {
      folder,
      [Symbol.asyncDispose]: async () => {
        await rm(folder, { recursive: true, force: true });
        inUse.delete(folder);
      },
    };
  } catch (error) {
    throw asHoldfastError(error, `making a scratch folder in ${parent}`);
  }
}

/** Removes what killed drills left in `parent`, and nothing else; resolves with the names that it removed. */
export async function tidyScratch(parent: string): Promise<string[]> {
  const entries = await readdir(parent, { withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw asHoldfastError(error, `looking for leftovers in ${parent}`);
  });
  const removed: string[] = [];
  for (const { name, isDirectory } of entries.map((entry) => ({
    name: entry.name,
    isDirectory: entry.isDirectory(),
  }))) {
    const [, pid, start] = NAME.exec(name) ?? [];
    if (!isDirectory || pid === undefined || start === undefined) continue;
    const folder = join(parent, name);
    if (inUse.has(folder) || runs(Number(pid), start)) continue;
    await rm(folder, { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}

/** Whether the process that made a scratch folder still runs; of our own, `inUse` knows. */
function runs(pid: number, start: string): boolean {
  if (pid === process.pid) return false;
  const now = startOf(pid);
  if (now !== undefined) return now === start;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** When a process began, in the kernel's ticks: tells it from a later one with its id. Undefined off Linux. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
