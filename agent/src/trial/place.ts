/** Where a trial lives: one folder with disk, repository, state and the configuration that names them. */
import { createHash } from "node:crypto";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type SourceSpec, vmNameInPath } from "@holdfast/protocol";
import { usageError } from "../cli/answer.ts";
import { writeDurably } from "../durable.ts";

export type TrialPlace = {
  folder: string;
  config: string;
  repository: string;
  /** For files of the trial itself. */
  work: string;
  disk: string;
};

export const TRIAL_REPOSITORY = "trial";
export const TRIAL_ITEM = "trial";
/** Says that a folder is a trial's, so that the next trial may replace it. */
const MARKER = "trial.json";

/** The folder of the trial with the sample disk, or of the one with the user's disk (which keeps its backups). */
export function placeOf(base: string, disk: string | undefined): TrialPlace {
  const name = disk === undefined ? "trial" : `disk-${vmNameInPath(basename(disk))}-${shortDigest(disk)}`;
  const folder = resolve(base, name);
  const work = join(folder, "work");
  return {
    folder,
    config: join(folder, "agent.json"),
    repository: join(folder, "repository"),
    work,
    disk: disk ?? join(work, "disk.raw"),
  };
}

/** Six hex digits that keep two names apart. */
export function shortDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 6);
}

/** Makes the place; an earlier sample trial is replaced, anything else in that folder is refused (BAD_REQUEST). */
export async function makePlace(place: TrialPlace, replace: boolean): Promise<void> {
  const found = await readdir(place.folder).catch((): string[] => []);
  if (found.length > 0 && !found.includes(MARKER)) {
    throw usageError(`${place.folder} is not empty and not a trial's folder`, "Name another one with --folder.");
  }
  if (replace) await rm(place.folder, { recursive: true, force: true });
  await mkdir(place.work, { recursive: true, mode: 0o700 });
  await writeDurably(join(place.folder, MARKER), `${JSON.stringify({ schema: "holdfast.trial/1" })}\n`);
}

/** Writes the configuration that this trial runs with, and that later commands can be given with `--config`. */
export async function writeTrialConfig(place: TrialPlace, vmName: string, source: SourceSpec): Promise<void> {
  const config = {
    state_dir: join(place.folder, "state"),
    roots: [dirname(place.disk)],
    repositories: [{ repository_id: TRIAL_REPOSITORY, path: place.repository }],
    items: [
      { vm_context_id: TRIAL_ITEM, vm_name: vmName, repository_id: TRIAL_REPOSITORY, disks: [{ disk_id: 0, source }] },
    ],
  };
  await writeDurably(place.config, `${JSON.stringify(config, null, 2)}\n`);
}

const FORMATS = { ".qcow2": "qcow2", ".vmdk": "vmdk", ".vhdx": "vhdx", ".vdi": "vdi" } as const;

/** The sample disk, or what the user's path means: a device, or an image whose format its ending tells (else raw). */
export async function sourceOfDisk(disk: string | undefined, place: Pick<TrialPlace, "disk">): Promise<SourceSpec> {
  const path = place.disk;
  if (disk === undefined) return { kind: "file", path, format: "raw", write_bitmap: false };
  const found = await stat(path).catch(() => null);
  if (found === null)
    throw usageError(`${path} does not exist`, "Give --disk the path of an image file or a block device.");
  if (found.isBlockDevice()) return { kind: "block", path };
  const ending = /\.[a-z0-9]+$/i.exec(path)?.[0].toLowerCase() ?? "";
  const format = Object.entries(FORMATS).find(([known]) => known === ending)?.[1] ?? "raw";
  return { kind: "file", path, format, write_bitmap: false };
}
