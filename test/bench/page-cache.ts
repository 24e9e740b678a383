/** What of a file the page cache holds decides what reading it costs, so a bench says which it measures. */
import { createReadStream } from "node:fs";
import { access, constants, writeFile } from "node:fs/promises";
import { runMeasured } from "./measured-process.ts";

const DROP_CACHES = "/proc/sys/vm/drop_caches";

/** `read`: sources lie in it. `evicted`: sources do not, all else is as it was. `empty`: nothing does. */
export type PageCache = "read" | "evicted" | "empty";

/** Brings the page cache into a state; what was written must be synced before. Throws when it will not go. */
export async function bring(cache: PageCache, sources: readonly string[]): Promise<void> {
  if (cache === "empty") return await writeFile(DROP_CACHES, "3\n");
  for (const path of sources) {
    if (cache === "read") await readThrough(path);
    else if (!(await evict(path))) throw new Error(`${path} stays in the page cache`);
  }
}

/** Takes a file out of the page cache; false where it stays there (a tmpfs). Needs no rights but to read it. */
export async function evict(path: string): Promise<boolean> {
  await runMeasured("dd", [`if=${path}`, "iflag=nocache", "count=0", "status=none"]);
  const { stdout } = await runMeasured("fincore", ["--bytes", "--noheadings", "--output", "RES,SIZE", path]);
  const [resident = 0, size = 0] = stdout.trim().split(/\s+/).map(Number);
  return resident <= size / 100;
}

async function readThrough(path: string): Promise<void> {
  for await (const _piece of createReadStream(path, { highWaterMark: 4 * 2 ** 20 })) {
    // Only to have it in the page cache.
  }
}

/** Whether this user may empty the page cache. */
export async function canDropCaches(): Promise<boolean> {
  return await access(DROP_CACHES, constants.W_OK).then(
    () => true,
    () => false,
  );
}
