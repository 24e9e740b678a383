/** What the cases of the backup bench share: the disk, the contenders, and what one case leaves for the next. */
import { mkdir, readdir, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { BenchOptions, Report } from "../bench.ts";
import { runMeasured } from "../measured-process.ts";
import type { RoundsOptions } from "../rounds.ts";
import { type Agent, createAgent, type MadeBackup } from "./agent.ts";
import { makeDisk, planRuns, type Run } from "./disk.ts";
import { createBorg, createRestic, type Peer } from "./peers.ts";

/** Disk, its copy as qcow2, a repository of each contender, and room for what is restored: in disk sizes. */
const SPACE_IN_DISKS = 5;
const FIXED = ["--chunker-params", "fixed,65536"];

export type World = {
  agent: Agent;
  restic: Peer | null;
  borg: Peer | null;
  borgFixed: Peer | null;
  borgSparse: Peer | null;
  scratch: string;
  size: number;
  runs: readonly Run[];
  dataBytes: number;
  disk: string;
  /** Where a contender keeps its backups of `disk`. */
  repository: (contender: "ours" | "restic" | "borg" | "borg-fixed" | "borg-sparse") => string;
  /** Restore points of `disk` in our repository, the full first. */
  chain: MadeBackup[];
  rounds: (title: string, runs: number) => RoundsOptions;
};

export async function openWorld(options: BenchOptions, size: number, report: Report): Promise<World> {
  const { scratch, cold, peers } = options;
  await refuseTooLittleSpace(scratch, size);
  const disk = join(scratch, "source", "disk.raw");
  await mkdir(join(scratch, "source"));
  const runs = planRuns(size);
  report.say(`making the disk: ${size} bytes, of them ${runs.reduce((sum, { length }) => sum + length, 0)} data`);
  const dataBytes = await makeDisk(disk, size, runs);
  return {
    agent: await createAgent(scratch),
    restic: peers ? await createRestic(scratch) : null,
    borg: peers ? await createBorg(scratch) : null,
    borgFixed: peers ? await createBorg(scratch, ...FIXED) : null,
    borgSparse: peers ? await createBorg(scratch, ...FIXED, "--sparse") : null,
    scratch,
    size,
    runs,
    dataBytes,
    disk,
    repository: (contender) => join(scratch, contender),
    chain: [],
    rounds: (title, count) => ({
      title,
      runs: count,
      cache: cold ? "empty" : "read",
      sources: [disk],
      scratch,
      report,
    }),
  };
}

async function refuseTooLittleSpace(folder: string, size: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const needed = size * SPACE_IN_DISKS;
  if (bavail * bsize < needed)
    throw new Error(`${folder} has ${bavail * bsize} bytes free, this needs ${needed}: choose another with --scratch`);
}

/** Removes a file or folder that an earlier round left. */
export async function clear(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

/** An empty folder in the place of whatever was there. */
export async function emptyFolder(path: string): Promise<string> {
  await clear(path);
  await mkdir(path, { recursive: true });
  return path;
}

/** The bytes of all files below a folder. */
export async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Whether two disk images hold the same, as qemu-img sees it: nothing is fast that is wrong. */
export async function mustEqual(image: string, disk: string): Promise<void> {
  await runMeasured("qemu-img", ["compare", "-f", "raw", "-F", "raw", image, disk]);
}
