import { chmod, mkdtemp, open, stat, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { asHoldfastError, HoldfastError } from "../../../errors.ts";
import { waitForJob } from "../../../qemu/job.ts";
import type { Qmp } from "../../../qemu/qmp.ts";
import type { VmDisk } from "./qmp-disks.ts";
import { nodeName } from "./qmp-names.ts";

/*
 * How a disk of a running VM stands still without standing in the guest's way:
 *
 *   device ─▶ gate (raw, passes everything on) ─▶ cbw (copy-before-write) ─▶ the disk's own node
 *                                                  │ old data                      ▲
 *                                                  ▼                               │
 *             temp (qcow2) ─▶ box (raw of a fixed size) ─▶ file     view (snapshot-access: the disk as it was)
 *
 * The gates are slipped under the devices one by one; then ONE `blockdev-reopen` turns all of them from their disks to
 * their filters, with every disk drained: that is the moment of the backup. When a fleece is full or too slow, the
 * filter gives the snapshot up (`break-snapshot`) and the guest's write goes through; plain `blockdev-backup` would
 * fail the guest's write instead. The box bounds the fleece even if the agent is killed meanwhile.
 */

const MIB = 1024 ** 2;
const SMALLEST = 8 * MIB;
/** After this the guest has waited long enough for its old data to be saved; its own drivers give up after 30 s. */
const PATIENCE_SECONDS = 15;
const FOLDER_PREFIX = "holdfast-fleece-";

/** Where a job keeps its fleeces and sockets. `owned`: a folder of its own, to be removed with it. */
export type FleeceFolder = { path: string; owned: boolean };

export async function openFolder(job: string, given: string | undefined): Promise<FleeceFolder> {
  if (given !== undefined) return { path: given, owned: false };
  return { path: await mkdtemp(join(tmpdir(), `${FOLDER_PREFIX}${job}-`)), owned: true };
}

export function isOwnFolder(name: string): boolean {
  return name.startsWith(FOLDER_PREFIX);
}

/** The job whose private folder this is, or an empty string. */
export function jobOfFolder(name: string): string {
  return isOwnFolder(name) ? name.slice(FOLDER_PREFIX.length) : "";
}

/**
 * Bytes that each of `count` fleeces may grow to: its share of what is free, less a reserve (a tenth of the file
 * system, 1 GiB at most), because the guest's own image may grow there too. Throws NO_SPACE when that is too little.
 */
export async function fleeceLimit(folder: string, count: number): Promise<number> {
  const { bavail, blocks, bsize } = await statfs(folder);
  const limit = Math.floor((bavail * bsize - Math.min(1024 * MIB, (blocks * bsize) / 10)) / count);
  if (limit >= SMALLEST) return limit;
  throw noRoom(folder, `${Math.round((bavail * bsize) / MIB)} MiB are free there`);
}

export function noRoom(folder: string, details: string): HoldfastError {
  const remedy =
    "Free space there, or set `fleece_folder` to a folder with room for what the guest writes during a backup.";
  const message = `there is no room in ${folder} for what the guest overwrites during the backup`;
  return new HoldfastError("NO_SPACE", { message, remedy, details });
}

function cannotCreate(folder: string, error: unknown): HoldfastError {
  const known = asHoldfastError(error, `fleece in ${folder}`);
  const words = `${known.message} ${known.details ?? ""}`;
  if (known.code === "NO_SPACE") return noRoom(folder, words);
  if (!/permission denied|no such file|read-only file/i.test(words)) return known;
  const message = `the VM's QEMU cannot write in ${folder}`;
  const remedy = "Set `fleece_folder` to a folder that both the agent and the VM's QEMU may write in.";
  return new HoldfastError("NO_PERMISSION", { message, remedy, details: words, cause: error });
}

/** Size of the box in bytes: never more than a fleece of the whole disk needs with its tables. */
function boxSize(disk: VmDisk, limit: number): number {
  const most = disk.size + Math.ceil(disk.size / 1024) + 4 * MIB;
  return Math.floor(Math.min(limit, most) / 65536) * 65536;
}

async function create(qmp: Qmp, id: string, options: Record<string, unknown>): Promise<void> {
  await qmp.execute("blockdev-create", { "job-id": id, options });
  await waitForJob(qmp, id, {});
}

/** Name of a fleece's file in its folder. */
export function fleeceFile(folder: string, job: string, index: number): string {
  return join(folder, `${job}-${index}.fleece`);
}

async function addFleece(
  qmp: Qmp,
  job: string,
  index: number,
  disk: VmDisk,
  folder: string,
  limit: number,
): Promise<void> {
  const name = (part: "temp" | "box" | "file"): string => nodeName(job, index, part);
  const filename = fleeceFile(folder, job, index);
  const size = boxSize(disk, limit);
  await create(qmp, `${job}-${index}-new`, { driver: "file", filename, size });
  // QEMU creates with its own umask; nobody else is to read what the guest overwrote.
  await chmod(filename, 0o600);
  await qmp.execute("blockdev-add", { driver: "file", "node-name": name("file"), filename });
  await qmp.execute("blockdev-add", { driver: "raw", "node-name": name("box"), size, file: name("file") });
  await create(qmp, `${job}-${index}-new`, { driver: "qcow2", file: name("box"), size: disk.size });
  await qmp.execute("blockdev-add", { driver: "qcow2", "node-name": name("temp"), file: name("box"), backing: null });
}

/** Options of a gate. Without `discard` the guest's own discards would end there. */
export function gateNode(job: string, index: number, file: string): Record<string, unknown> {
  return { driver: "raw", "node-name": nodeName(job, index, "gate"), discard: "unmap", file };
}

/** Slips the gate under the device and makes fleece and filter ready; nothing is protected yet. */
export async function prepareDisk(
  qmp: Qmp,
  where: { job: string; index: number; folder: string; limit: number },
  disk: VmDisk,
): Promise<void> {
  const { job, index, folder, limit } = where;
  await addFleece(qmp, job, index, disk, folder, limit).catch((error: unknown) => {
    throw cannotCreate(folder, error);
  });
  await qmp.execute("blockdev-add", gateNode(job, index, disk.node));
  await qmp.execute("qom-set", { path: disk.qdev, property: "drive", value: nodeName(job, index, "gate") });
  await qmp.execute("blockdev-add", {
    driver: "copy-before-write",
    "node-name": nodeName(job, index, "cbw"),
    discard: "unmap",
    file: disk.node,
    target: nodeName(job, index, "temp"),
    "on-cbw-error": "break-snapshot",
    "cbw-timeout": PATIENCE_SECONDS,
  });
}

/**
 * The switch flushes the disks while the guest waits; what is written back before costs it nothing. Only an attempt:
 * the agent need not see the image.
 */
export async function flushAhead(image: string): Promise<void> {
  if (!isAbsolute(image)) return;
  try {
    const found = await stat(image);
    if (!found.isFile() && !found.isBlockDevice()) return;
    await using file = await open(image, "r");
    await file.datasync();
  } catch {
    // QEMU flushes what we cannot.
  }
}

/** The moment of the backup: all gates turn to their filters at once, or none does. */
export async function switchOver(qmp: Qmp, job: string, count: number): Promise<void> {
  const options = Array.from({ length: count }, (_, index) => gateNode(job, index, nodeName(job, index, "cbw")));
  await qmp.execute("blockdev-reopen", { options });
}

/** Adds the node that shows the disk as it was at the switch. */
export async function addView(qmp: Qmp, job: string, index: number): Promise<void> {
  const name = nodeName(job, index, "view");
  await qmp.execute("blockdev-add", {
    driver: "snapshot-access",
    "node-name": name,
    file: nodeName(job, index, "cbw"),
  });
}

export async function removeView(qmp: Qmp, job: string, index: number): Promise<void> {
  await qmp.execute("blockdev-del", { "node-name": nodeName(job, index, "view") });
}
