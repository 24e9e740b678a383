/** The image folders over time. */

import type { AomeiFacts } from "./facts.ts";
import { explainUnreadable } from "./file-look.ts";
import { knownImages } from "./images/known.ts";
import { type ListedImage, listImages } from "./images/list.ts";
import { type FolderMemory, newFolderMemory, takeImages } from "./images/take-images.ts";
import { knownTasks } from "./teller.ts";
import { newSourceMemory, type SourceMemory } from "./watch-source.ts";

export type FolderWatch = { folder: string; memory: FolderMemory; source: SourceMemory; listed: ListedImage[] };

export const watchFolder = (folder: string): FolderWatch => ({
  ...{ folder, memory: newFolderMemory(), source: newSourceMemory(), listed: [] },
});

/** Lists the folder. False when what it shows cannot be believed: then nothing of it is told but that. */
export async function listFolder(watch: FolderWatch, facts: AomeiFacts): Promise<boolean> {
  const { folder, source } = watch;
  const about = { source: folder, source_kind: "images" as const, findings: [] };
  try {
    watch.listed = await listImages(folder);
  } catch (error) {
    watch.listed = [];
    source.look = { ...about, ...(await explainUnreadable(folder, false, error)) };
    return false;
  }
  const known = knownImages(facts, folder).size;
  if (watch.listed.length === 0 && known > 0) {
    const reason = `none of the ${known} images that were in ${folder} is there: it is not mounted, or all are deleted`;
    source.look = { ...about, state: "absent", reason };
    return false;
  }
  source.look = { ...about, state: "ready", reason: null };
  return true;
}

/** Answers how many images were told of. */
export async function takeFolder(
  { folder, listed, memory }: FolderWatch,
  host: { facts: AomeiFacts; now: () => Date; settleMs: number },
): Promise<number> {
  const { facts, now, settleMs } = host;
  const tasks = knownTasks(facts).flatMap(({ guid, name }) => (name === null ? [] : [{ guid, name }]));
  return await takeImages({ folder, listed, tasks, facts, now: now(), memory, settleMs });
}
