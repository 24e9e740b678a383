/** Worlds for kill tests: small disks, a repository with a history, and a model of what every restore point holds. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { backupItem } from "../../agent/src/engines/qcow2/backup.ts";
import { readJobs } from "../../agent/src/repository/journal.ts";
import { initRepository } from "../../agent/src/repository/marker.ts";
import { configureAgent } from "./kill-agent.ts";
import { diskIds, diskPath, type Layout, requestOf } from "./kill-orders.ts";
import type { Random } from "./kill-random.ts";

const execute = promisify(execFile);
const DISK_BYTES = 8 * 2 ** 20;
const BLOCK = 65_536;

export type World = {
  folder: string;
  layout: Layout;
  /** Our own copy of each disk, by disk number. */
  disks: Buffer[];
  /** sha256 of the disk as it was when this backup was made. */
  expected: Map<string, string>;
  /** The same for backups whose removal was begun: they are shown no more, and must go. */
  doomed: Map<string, string>;
  /** The same for backups that a killed run left to start-up, because a sibling of the same moment may stand already. */
  pending: Map<string, string>;
  /** Ids in the order in which they were made. */
  made: string[];
};

const HISTORIES: Record<Layout, ("full" | "incremental")[]> = {
  raw: ["full", "incremental", "incremental", "full", "incremental"],
  qcow2: ["full", "incremental"],
  pair: ["full", "incremental"],
  locked: ["full", "incremental"],
};

export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export async function runProgram(command: string, ...args: string[]): Promise<string> {
  return (await execute(command, args, { env: { ...process.env, LC_ALL: "C" } })).stdout;
}

/** A world with the history that operations on this layout start from. */
export async function makeWorld(folder: string, layout: Layout, random: Random): Promise<World> {
  for (const name of ["disks", "scratch", "state", "tmp"]) await mkdir(join(folder, name), { recursive: true });
  const disks = diskIds(layout).map(() => Buffer.alloc(DISK_BYTES));
  const world: World = { folder, layout, disks, expected: new Map(), doomed: new Map(), pending: new Map(), made: [] };
  for (const diskId of diskIds(layout)) {
    const path = diskPath(folder, layout, diskId);
    await runProgram("qemu-img", "create", "-q", "-f", layout === "qcow2" ? "qcow2" : "raw", path, `${DISK_BYTES}`);
  }
  const repository = await initRepository(join(folder, "repository"), "main");
  const context = { roots: [join(folder, "disks")], nbdServers: [], now: () => new Date(), warn: () => undefined };
  for (const type of HISTORIES[layout]) {
    await changeDisks(world, random, 12);
    const { backups } = await backupItem(requestOf({ layout, do: "backup", type }, repository, folder), context);
    for (const { backup_id, disk_id } of backups) remember(world, backup_id, disk_id);
  }
  return world;
}

/** Notes that this backup holds what its disk holds now. */
export function remember(world: World, backupId: string, diskId: number): void {
  world.expected.set(backupId, digestOf(world.disks[diskId] ?? Buffer.alloc(0)));
  world.made.push(backupId);
}

/** Notes which backups start-up may yet complete, and what they hold. */
export async function rememberPending(world: World): Promise<void> {
  for (const diskId of diskIds(world.layout)) {
    const { jobs } = await readJobs(join(world.folder, `repository/vm-1/disk-${diskId}`));
    const digest = digestOf(world.disks[diskId] ?? Buffer.alloc(0));
    for (const job of jobs)
      if (job.commit !== undefined && !world.pending.has(job.backup_id)) world.pending.set(job.backup_id, digest);
  }
}

export async function copyWorld(from: World, folder: string): Promise<World> {
  await runProgram("cp", "-a", "--reflink=auto", "--sparse=always", from.folder, folder);
  await configureAgent(folder, from.layout);
  const disks = from.disks.map((disk) => Buffer.from(disk));
  return {
    ...from,
    folder,
    disks,
    expected: new Map(from.expected),
    doomed: new Map(from.doomed),
    pending: new Map(from.pending),
    made: [...from.made],
  };
}

export async function removeWorld({ folder }: World): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** Overwrites so many random blocks of each disk with one byte each, every fourth with zeros; the model follows. */
export async function changeDisks(world: World, random: Random, blocks: number): Promise<void> {
  for (const [diskId, disk] of world.disks.entries()) {
    const writes = Array.from({ length: blocks }, () => {
      const length = BLOCK / 2 + random.below(BLOCK);
      const offset = random.below((DISK_BYTES - length) / 512) * 512;
      return { offset, length: length - (length % 512), fill: random.below(4) === 0 ? 0 : 1 + random.below(255) };
    });
    for (const { offset, length, fill } of writes) disk.fill(fill, offset, offset + length);
    await writeDisk(diskPath(world.folder, world.layout, diskId), world.layout, writes);
  }
}

type Write = { offset: number; length: number; fill: number };

async function writeDisk(path: string, layout: Layout, writes: Write[]): Promise<void> {
  if (layout === "qcow2") {
    // A write by QEMU, so that the image's bitmaps record it as they do when a VM runs.
    const commands = writes.flatMap(({ offset, length, fill }) => ["-c", `write -P ${fill} ${offset} ${length}`]);
    await runProgram("qemu-io", "-f", "qcow2", ...commands, path);
    return;
  }
  await using file = await open(path, "r+");
  for (const { offset, length, fill } of writes) await file.write(Buffer.alloc(length, fill), 0, length, offset);
}

/** sha256 of what a disk holds now, to see that the source itself came to no harm. */
export async function readSource(world: World, diskId: number): Promise<string> {
  const path = diskPath(world.folder, world.layout, diskId);
  return world.layout === "qcow2"
    ? await digestByConvert(world.folder, ["-f", "qcow2", path])
    : digestOf(await readFile(path));
}

/** sha256 of what `qemu-img convert` alone makes of an image. */
export async function digestByConvert(folder: string, image: string[]): Promise<string> {
  const flat = join(folder, "flat.raw");
  await writeFile(flat, "");
  await runProgram("qemu-img", "convert", "-O", "raw", ...image, flat);
  return digestOf(await readFile(flat));
}
