/** Scratch folders for drills: private, named after the process that made them, removed whatever happens. */
import { rm } from "node:fs/promises";
import { asHoldfastError } from "../errors.ts";
import { makeProcessFolder, removeDeadFolders } from "../process-folder.ts";

const PREFIX = "holdfast-drill-";

export type Scratch = { folder: string; [Symbol.asyncDispose]: () => Promise<void> };

/** Makes an empty folder (0700) in `parent`, which must exist. */
export async function makeScratch(parent: string): Promise<Scratch> {
  try {
    const folder = await makeProcessFolder(parent, PREFIX);
    return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
  } catch (error) {
    throw asHoldfastError(error, `making a scratch folder in ${parent}`);
  }
}

/** Removes what killed drills left in `parent`, and nothing else; resolves with the names that it removed. */
export async function tidyScratch(parent: string): Promise<string[]> {
  try {
    return await removeDeadFolders(parent, PREFIX);
  } catch (error) {
    throw asHoldfastError(error, `looking for leftovers in ${parent}`);
  }
}
