import type { Qmp } from "../../../qemu/qmp.ts";
import { BITMAP_PREFIX } from "../source.ts";
import { listNodes, type VmBitmap } from "./qmp-vm.ts";

const GRANULARITY = 65536;

/**
 * The hand-over between two backups never switches a bitmap off, so that no kill can leave a gap: the parent's bitmap
 * goes on recording until the new backup is committed; what the increment reads is a copy of it, taken after the
 * freeze. The copy and the new bitmap, which begins before the freeze, hold a little too much, which is safe.
 */
export type Recorded = { trusted: true } | { trusted: false; reason: string };

function bitmapOf(backupId: string): string {
  return `${BITMAP_PREFIX}${backupId}`;
}

function isOurs(bitmap: VmBitmap): boolean {
  return bitmap.name.startsWith(BITMAP_PREFIX);
}

async function remove(qmp: Qmp, node: string, name: string): Promise<void> {
  await qmp.execute("block-dirty-bitmap-remove", { node, name });
}

/** Whether the bitmap that counts from the parent has seen every write since. Pure. */
export function judgeParent(bitmaps: readonly VmBitmap[], parentId: string | null): Recorded {
  if (parentId === null) return { trusted: false, reason: "there is no restore point that a bitmap could count from" };
  const found = bitmaps.find((bitmap) => bitmap.name === bitmapOf(parentId));
  const no = (reason: string): Recorded => ({
    trusted: false,
    reason: `the VM's bitmap that counts from ${parentId} ${reason}`,
  });
  if (!found) return no("is gone: the VM was restarted, or crashed, or got another image since that backup");
  if (found.inconsistent) return no("is inconsistent: the VM crashed since that backup");
  if (!found.recording) return no("did not record every write: something outside switched it off");
  if (found.busy) return no("is in use by another program");
  return { trusted: true };
}

/**
 * Tidies our bitmaps on a disk before a backup and judges the parent's: removes what can never be trusted again, and,
 * when the parent's is complete, all others, which interrupted backups left. `warn` hears what could not be removed.
 */
export async function tidyBitmaps(
  qmp: Qmp,
  node: string,
  parentId: string | null,
  warn: (sentence: string) => void,
): Promise<Recorded> {
  const all = (await listNodes(qmp)).find((one) => one["node-name"] === node)?.["dirty-bitmaps"] ?? [];
  const verdict = judgeParent(all, parentId);
  const parent = parentId === null ? undefined : bitmapOf(parentId);
  for (const bitmap of all.filter((one) => isOurs(one) && !one.busy)) {
    const useless = bitmap.inconsistent === true || !bitmap.recording;
    if (!useless && (!verdict.trusted || bitmap.name === parent)) continue;
    await remove(qmp, node, bitmap.name).catch((error: unknown) =>
      warn(`an old bitmap stays in the VM: ${String(error)}`),
    );
  }
  return verdict;
}

/** Begins to record for the next increment; a bitmap of the same name, from an interrupted run, is replaced. */
export async function beginBitmap(
  qmp: Qmp,
  disk: { node: string; driver: string },
  backupId: string,
  options: { persistent: boolean; warn: (sentence: string) => void },
): Promise<void> {
  const bitmap = { node: disk.node, name: bitmapOf(backupId), granularity: GRANULARITY };
  const all = (await listNodes(qmp)).find((one) => one["node-name"] === disk.node)?.["dirty-bitmaps"] ?? [];
  if (all.some((one) => one.name === bitmap.name)) await remove(qmp, disk.node, bitmap.name);
  if (options.persistent && disk.driver === "qcow2") {
    try {
      await qmp.execute("block-dirty-bitmap-add", { ...bitmap, persistent: true });
      return;
    } catch (error) {
      options.warn(`the bitmap cannot be kept in the image, so it lasts until the VM ends: ${String(error)}`);
    }
  }
  await qmp.execute("block-dirty-bitmap-add", bitmap);
}

/** Adds the disabled bitmap that marks the disk as ours for the time of the job, and later carries the changes. */
export async function addMark(qmp: Qmp, node: string, name: string): Promise<void> {
  await qmp.execute("block-dirty-bitmap-add", { node, name, granularity: GRANULARITY, disabled: true });
}

/** Copies what the parent's bitmap has recorded until now into the mark. */
export async function fillMark(qmp: Qmp, node: string, mark: string, parentId: string): Promise<void> {
  await qmp.execute("block-dirty-bitmap-merge", { node, target: mark, bitmaps: [bitmapOf(parentId)] });
}

/**
 * Ends the hand-over wherever the new backup's bitmap is found: after a commit it is the only one of ours that stays,
 * otherwise it goes and the parent's, which never stopped, stays. Returns what could not be removed, as sentences.
 */
export async function concludeBitmaps(
  qmp: Qmp,
  backupId: string,
  outcome: "committed" | "abandoned",
): Promise<string[]> {
  const name = bitmapOf(backupId);
  const problems: string[] = [];
  for (const node of await listNodes(qmp)) {
    const ours = (node["dirty-bitmaps"] ?? []).filter(isOurs);
    if (!ours.some((bitmap) => bitmap.name === name)) continue;
    const over = ours.filter((bitmap) => (outcome === "committed") === (bitmap.name !== name));
    for (const bitmap of over) {
      await remove(qmp, node["node-name"], bitmap.name).catch((error: unknown) => {
        problems.push(`the bitmap ${bitmap.name} stays in the VM: ${String(error)}`);
      });
    }
  }
  return problems;
}
