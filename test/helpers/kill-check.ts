/** After a kill: what the repository shows, held against the model. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { placedBackups, readCatalogue } from "../../agent/src/repository/catalogue.ts";
import { chainFileIsCurrent } from "../../agent/src/repository/chain-file.ts";
import { fileRole } from "../../agent/src/repository/layout.ts";
import { openRepository } from "../../agent/src/repository/marker.ts";
import { readLedger } from "../../agent/src/runner/ledger.ts";
import type { Sidecar } from "../../protocol/src/index.ts";
import { diskIds, diskPath } from "./kill-orders.ts";
import { type ImageDigests, lineTo, restoredDigest } from "./kill-restore.ts";
import { markTooMany, type Verdict } from "./kill-verdict.ts";
import { digestOf, readSource, remember, runProgram, type World } from "./kill-world.ts";

export type View = Awaited<ReturnType<typeof readCatalogue>>;

export async function viewOf(world: World): Promise<View> {
  return await readCatalogue(await openRepository(join(world.folder, "repository")));
}

export function shownIds(view: View): string[] {
  return view.flatMap((disk) => placedBackups(disk).map((backup) => backup.backup_id));
}

/**
 * At any moment: what the catalogue shows is whole and right, what was reported is there. A backup that nobody
 * reported may stand only where one was under way (`mayAppear`); from then on it belongs to the model.
 */
export async function checkShown(world: World, mayAppear: boolean, verdict: Verdict): Promise<void> {
  const view = await viewOf(world);
  const shown = new Set(shownIds(view));
  for (const disk of view) {
    for (const found of disk.findings) verdict.problems.push(`finding: ${found.code} ${found.message}`);
    const backups = [...placedBackups(disk), ...disk.unplaced];
    for (const { backup_id: id } of backups) takeFromPending(world, id);
    const unknown = backups.filter(({ backup_id: id }) => !world.expected.has(id) && !world.doomed.has(id));
    if (unknown.length > (mayAppear ? 1 : 0)) verdict.doubled.push(...unknown.map((backup) => backup.backup_id));
    else for (const backup of unknown) remember(world, backup.backup_id, backup.disk_id);
    markTooMany(backups, verdict);
    const unsound = new Set([...disk.unsound, ...disk.unplaced.map((backup) => backup.backup_id)]);
    const images: ImageDigests = new Map();
    for (const backup of backups) {
      const id = backup.backup_id;
      if (unsound.has(id)) verdict.falseCompleted.push(`${id}: shown, and not whole`);
      else await checkContent(world, disk.folder, lineTo(backup, backups), images, verdict);
    }
  }
  for (const id of world.expected.keys()) if (!shown.has(id)) verdict.lost.push(id);
  await checkSources(world, verdict);
}

function takeFromPending(world: World, id: string): void {
  const digest = world.pending.get(id);
  if (digest === undefined || world.expected.has(id)) return;
  world.pending.delete(id);
  world.expected.set(id, digest);
  world.made.push(id);
}

/** Disks that belong to one moment are all there, or none of them. */
function checkWholePoints(view: View, verdict: Verdict): void {
  const backups = view.flatMap((disk) => placedBackups(disk));
  for (const { backup_id: id, restore_point_id: point, restore_point_disks: disks } of backups) {
    const there = backups.filter((one) => one.restore_point_id === point).map((one) => one.disk_id);
    if (there.sort().join() !== disks.join()) verdict.falseCompleted.push(`${id}: only disks ${there} of ${point}`);
  }
}

async function checkContent(
  world: World,
  folder: string,
  line: readonly Sidecar[],
  images: ImageDigests,
  verdict: Verdict,
): Promise<void> {
  const id = line.at(-1)?.backup_id ?? "";
  const expected = world.expected.get(id) ?? world.doomed.get(id);
  const digest = await restoredDigest(world, folder, line, images).catch((error: unknown) => String(error));
  if (digest !== expected) verdict.falseCompleted.push(`${id}: restores to ${digest}, was ${expected}`);
}

/** The user's own disks must never come to harm. */
async function checkSources(world: World, verdict: Verdict): Promise<void> {
  for (const diskId of diskIds(world.layout)) {
    const digest = await readSource(world, diskId).catch((error: unknown) => String(error));
    if (digest !== digestOf(world.disks[diskId] ?? Buffer.alloc(0)))
      verdict.problems.push(`source disk ${diskId} was changed: ${digest}`);
    if (world.layout !== "qcow2") continue;
    const path = diskPath(world.folder, world.layout, diskId);
    await runProgram("qemu-img", "check", "-q", "-f", "qcow2", path).catch(
      (error: { code?: unknown; stdout?: unknown }) => {
        // 3: clusters that nothing refers to, which a killed `qemu-img bitmap` may leave and which harm nobody.
        if (error.code !== 3) verdict.problems.push(`qemu-img check of the source: ${error.stdout}`);
      },
    );
  }
}

/** Once a run ended well: nothing half done is left anywhere, and what was to be removed is gone. */
export async function checkTidy(world: World, verdict: Verdict): Promise<void> {
  const view = await viewOf(world);
  const shown = new Set(shownIds(view));
  checkWholePoints(view, verdict);
  for (const id of world.doomed.keys())
    if (shown.has(id)) verdict.doubled.push(`${id}: its removal was begun, it is still shown`);
  for (const disk of view) {
    for (const name of await readdir(disk.folder)) {
      const is = fileRole(name);
      if (is.role === "chain" || is.role === "system") continue;
      const known = "backupId" in is && is.role !== "job" && shown.has(is.backupId);
      if (!known) verdict.problems.push(`left in the repository: ${name}`);
    }
    if (!(await chainFileIsCurrent(disk))) verdict.problems.push("chain.json does not say what the sidecars say");
  }
  for (const folder of ["tmp", "scratch"])
    for (const name of await readdir(join(world.folder, folder))) verdict.problems.push(`left in ${folder}: ${name}`);
  await checkBitmaps(world, view, verdict);
  const { runs, unreadable } = await readLedger(join(world.folder, "state", "runs"));
  for (const run of runs) if (run.state === "running") verdict.problems.push(`${run.run_id} is still said to run`);
  for (const name of unreadable) verdict.problems.push(`left in the ledger: ${name}`);
  for (const name of await readdir(join(world.folder, "state", "runs")))
    if (name.endsWith(".partial")) verdict.problems.push(`left in the ledger: ${name}`);
}

/** Exactly one bitmap of ours: the one that counts from the newest backup. */
async function checkBitmaps(world: World, view: View, verdict: Verdict): Promise<void> {
  if (world.layout !== "qcow2") return;
  const path = diskPath(world.folder, world.layout, 0);
  const info = JSON.parse(await runProgram("qemu-img", "info", "--output=json", "-f", "qcow2", path)) as {
    "format-specific"?: { data?: { bitmaps?: { name: string }[] } };
  };
  const names = (info["format-specific"]?.data?.bitmaps ?? []).map((bitmap) => bitmap.name);
  const newest = view.flatMap((disk) => disk.chains.at(-1)?.backups.at(-1)?.backup_id ?? []);
  if (names.join() !== `holdfast-${newest.join()}`)
    verdict.problems.push(`bitmaps in the source: ${names.join(", ")}; newest backup: ${newest.join()}`);
}
