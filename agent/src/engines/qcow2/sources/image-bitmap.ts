import { type BitmapInfo, changeBitmap } from "../../../qemu/image.ts";
import { type AddBitmap, BITMAP_PREFIX, type DirtyBitmap, type DiskRequest } from "../source.ts";

/** What a stopped VM's qcow2 image offers for finding changes, and what has to happen after the backup. */
export type ImageTracking = {
  dirty: DirtyBitmap;
  dirtyReason: string;
  release: (outcome: "committed" | "abandoned") => Promise<string[]>;
};

type Judged = { usable: boolean; reason: string };

function judgeBitmap(bitmaps: readonly BitmapInfo[], parentId: string | null): Judged {
  if (parentId === null) return { usable: false, reason: "there is no parent a bitmap could count from" };
  const found = bitmaps.find((bitmap) => bitmap.name === BITMAP_PREFIX + parentId);
  if (!found) return { usable: false, reason: `the image holds no bitmap that counts from ${parentId}` };
  if (found.flags.includes("in-use")) {
    return {
      usable: false,
      reason: "the image's bitmap is inconsistent: the VM or its host crashed since the parent backup",
    };
  }
  if (!found.flags.includes("auto"))
    return { usable: false, reason: "the image's bitmap was switched off since the parent backup" };
  return { usable: true, reason: `the image's persistent bitmap counts from ${parentId}, is consistent and recording` };
}

/**
 * Finds the bitmap that counts from the parent and, when the configuration allows writing into the image, adds the one
 * that will count from this backup. The image must be at rest. Bitmaps of ours that no backup needs are removed.
 */
export async function trackByImage(
  { path, bitmaps }: { path: string; bitmaps: readonly BitmapInfo[] },
  disk: DiskRequest,
  mayWrite: boolean,
  addBitmap: AddBitmap = (image, name) => changeBitmap(image, "add", name),
): Promise<ImageTracking> {
  const judged = judgeBitmap(bitmaps, disk.parentId);
  const dirty: DirtyBitmap = judged.usable
    ? { via: "own-export", bitmap: BITMAP_PREFIX + disk.parentId }
    : { via: "none" };
  if (!mayWrite) return { dirty, dirtyReason: judged.reason, release: async () => [] };
  const own = bitmaps.map((bitmap) => bitmap.name).filter((name) => name.startsWith(BITMAP_PREFIX));
  const wanted = BITMAP_PREFIX + disk.backupId;
  const parents = disk.parentId === null ? null : BITMAP_PREFIX + disk.parentId;
  const problems: string[] = [];
  await removeAll(
    path,
    own.filter((name) => name !== parents || !judged.usable),
    problems,
  );
  await addBitmap(path, wanted);
  return {
    dirty,
    dirtyReason: judged.reason,
    release: async (outcome) => {
      const after: string[] = [];
      const dropped = outcome === "abandoned" ? [wanted] : judged.usable && parents !== null ? [parents] : [];
      await removeAll(path, dropped, after);
      return [...problems, ...after];
    },
  };
}

/** A bitmap that cannot be removed costs space and speed, never safety: it is reported, and tried again next time. */
async function removeAll(path: string, names: readonly string[], problems: string[]): Promise<void> {
  for (const name of names) {
    await changeBitmap(path, "remove", name).catch((error: unknown) => {
      problems.push(`bitmap ${name} of ${path} could not be removed yet: ${String(error)}`);
    });
  }
}
