/** Private folders that are named after the process that made them, so that a later one can remove what a killed one left. */
import { readFileSync } from "node:fs";
import { lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** The rest of a name after its prefix: process id, when that process began, random letters. */
const REST = /^([1-9]\d{0,9})-(\d{1,20})-[A-Za-z0-9]{6}$/;

/** Makes an empty folder (0700) in `parent`, which must exist; `prefix` ends with a dash. Throws the system error. */
export async function makeProcessFolder(parent: string, prefix: string): Promise<string> {
  return await mkdtemp(join(parent, `${prefix}${process.pid}-${startOf(process.pid) ?? 0}-`));
}

/**
 * Removes the folders of this prefix whose process is gone, when they are this user's; resolves with their names.
 * A folder that will not go is left for the next time. A `parent` that does not exist holds none.
 */
export async function removeDeadFolders(parent: string, prefix: string): Promise<string[]> {
  const names = await readdir(parent).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  });
  const removed: string[] = [];
  for (const name of names) {
    const [, pid, start] = (name.startsWith(prefix) && REST.exec(name.slice(prefix.length))) || [];
    if (pid === undefined || start === undefined || runs(Number(pid), start)) continue;
    if (await removeOwn(join(parent, name))) removed.push(name);
  }
  return removed;
}

/** Nothing of another user's is touched, nor what a link points at: anyone may make names in a shared folder. */
async function removeOwn(folder: string): Promise<boolean> {
  try {
    const found = await lstat(folder);
    if (!found.isDirectory() || (process.getuid !== undefined && found.uid !== process.getuid())) return false;
    await rm(folder, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}

/** Whether exactly that process still runs; a later one with its id does not count where the system tells them apart. */
function runs(pid: number, start: string): boolean {
  const now = startOf(pid);
  if (now !== undefined) return now === start;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** When a process began, in the kernel's ticks since boot; `ended` for a zombie. Undefined without one, and off Linux. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "ended" : fields[19];
  } catch {
    return undefined;
  }
}
