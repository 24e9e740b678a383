/** The steps of a trial, each through the same code that `run` uses. */

import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Sidecar } from "@holdfast/protocol";
import { bytesText, countText, secondsText } from "../cli/format.ts";
import type { Host } from "../cli/host.ts";
import { configuredItems } from "../cli/items.ts";
import { HoldfastError } from "../errors.ts";
import { digestImageFile } from "../qemu/file-digest.ts";
import { readDisk } from "../repository/catalogue.ts";
import { restoreDisk } from "../restore/restore.ts";
import { backUpItem, jobOf } from "../runner/back-up-item.ts";
import type { ItemRuns } from "../runner/context.ts";
import { drillTarget, verifyTarget } from "../runner/prove-target.ts";
import { TRIAL_ITEM, type TrialPlace } from "./place.ts";
import { type SampleDisk, wrongFiles } from "./sample-disk.ts";
import type { Story } from "./steps.ts";

export type TrialContext = { runs: ItemRuns; host: Host; place: TrialPlace; story: Story };

/** A step that disproves the backup, or that could prove nothing; the story ends with it. */
function insist(status: string, reason: string): void {
  if (status === "passed") return;
  const code = status === "failed" ? "REPOSITORY_DAMAGED" : "INTERNAL";
  throw new HoldfastError(code, { message: `not proven (${status}): ${reason}` });
}

async function targetOf(context: TrialContext, backup: Sidecar) {
  const job = await trialJob(context, "auto");
  const disk = await readDisk(job.repository, { vmContextId: backup.vm_context_id, diskId: backup.disk_id });
  return { repository: job.repository, disk, backupId: backup.backup_id };
}

async function trialJob({ host }: TrialContext, type: "full" | "auto") {
  const [item] = configuredItems(host.config, [TRIAL_ITEM]);
  if (item === undefined) throw new HoldfastError("INTERNAL", { message: "the trial's item is not configured" });
  return await jobOf(host.config.repositories, item, type);
}

/** Backs the disk up; `auto` is an increment when there is something to build on. */
export async function backUp(context: TrialContext, type: "full" | "auto"): Promise<Sidecar> {
  const name = type === "full" ? "full backup" : "next backup";
  return await context.story.tell(name, async () => {
    const { backups } = await backUpItem(context.runs, await trialJob(context, type));
    const [value] = backups;
    if (value === undefined) throw new HoldfastError("INTERNAL", { message: "the backup made nothing" });
    const increment = `incremental: changes found by ${value.change_detection.method}`;
    const what = value.backup_type === "full" ? `full: ${value.reason}` : increment;
    return { value, what, size: `${bytesText(value.file_size_bytes)} stored`, result: value.status };
  });
}

/** Reads the backup through its chain and compares it with its hash map. */
export async function verify(context: TrialContext, backup: Sidecar): Promise<void> {
  await context.story.tell(`verify ${backup.backup_type}`, async () => {
    const value = await verifyTarget(context.runs, await targetOf(context, backup), { keys: null });
    insist(value.status, value.reason);
    const how = value.cached ? "through the page cache" : "from the medium, past the page cache";
    const what = `${value.parts.join(", ")}, ${how}`;
    return { value, what, size: `${bytesText(value.bytes_checked)} read`, result: value.status };
  });
}

/** Restores the backup to scratch space, compares each byte with the hash map; returns the measured restore time (s). */
export async function drill(context: TrialContext, backup: Sidecar): Promise<number> {
  return await context.story.tell("drill", async () => {
    const result = await drillTarget(context.runs, await targetOf(context, backup), { keys: null });
    insist(result.status, result.reason);
    const value = result.restore_seconds ?? Number.NaN;
    const what = `restored in ${secondsText(value)}, then every block compared with the hash map`;
    return { value, what, size: `${bytesText(result.restored_bytes)} restored`, result: result.status };
  });
}

/** Restores once more and looks as a person would: is it the disk, and do its files hold what was written? */
export async function compareWithSample(context: TrialContext, backup: Sidecar, sample: SampleDisk): Promise<void> {
  const { place, host } = context;
  const restored = join(place.work, "restored.raw");
  await context.story.tell("compare", async () => {
    const { disk } = await targetOf(context, backup);
    await restoreDisk(disk, backup.backup_id, { target: restored, format: "raw", keys: null, signal: host.signal });
    const [now, then] = [await digestImageFile(restored, "whole"), await digestImageFile(sample.path, "whole")];
    insist(
      now.sha256 === then.sha256 ? "passed" : "failed",
      "the restored disk differs from the disk that was backed up",
    );
    const wrong = await wrongFiles(restored, sample.files);
    insist(wrong.length === 0 ? "passed" : "failed", `these files differ after the restore: ${wrong.join(", ")}`);
    await rm(restored);
    const what = `restored again: sha256 equals the disk's, its ${countText(sample.files.length, "file")} read as written`;
    return { value: undefined, what, size: bytesText(sample.size), result: "passed" };
  });
}
