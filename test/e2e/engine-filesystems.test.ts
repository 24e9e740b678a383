import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Sidecar } from "../../protocol/src/index.ts";
import { makeRawDisk, noise, runProgram, sha256 } from "../helpers/disks.ts";
import { type Bench, only, openBench, restoreByQemuImg } from "../helpers/engine.ts";

const MIB = 2 ** 20;
/** `HOLDFAST_LONG=n` lives n histories of each, as for engine-roundtrip. */
const runs = Math.max(3, Number(process.env["HOLDFAST_LONG"] ?? 0));
const seed = Number(process.env["HOLDFAST_SEED"] ?? Date.now() % 2 ** 31);

/** A file system in an image that nobody mounts: its own tools make it, write and delete files, and read them again. */
type FileSystem = {
  name: string;
  size: number;
  make: (disk: string, folder: string) => Promise<unknown>;
  put: (disk: string, file: string, name: string) => Promise<unknown>;
  remove?: (disk: string, name: string) => Promise<unknown>;
  /** Copies a file out of the image. */
  take: (disk: string, name: string, file: string) => Promise<unknown>;
  /** Rejects when the file system is not sound. */
  check: (disk: string) => Promise<unknown>;
};

const FILE_SYSTEMS: FileSystem[] = [
  {
    name: "ext4",
    size: 16 * MIB,
    make: (disk, folder) => runProgram("mkfs.ext4", "-q", "-F", "-d", folder, disk),
    put: (disk, file, name) => runProgram("debugfs", "-w", "-R", `write ${file} ${name}`, disk),
    remove: (disk, name) => runProgram("debugfs", "-w", "-R", `rm ${name}`, disk),
    take: (disk, name, file) => runProgram("debugfs", "-R", `dump ${name} ${file}`, disk),
    check: (disk) => runProgram("e2fsck", "-f", "-n", disk),
  },
  {
    name: "NTFS",
    size: 12 * MIB,
    make: (disk) => runProgram("mkfs.ntfs", "-q", "-F", "-Q", disk),
    put: (disk, file, name) => runProgram("ntfscp", "-q", disk, file, name),
    take: async (disk, name, file) => await writeFile(file, await runProgram("ntfscat", disk, name)),
    // Not ntfsfix, which misses the second boot sector at the end of a disk that grew.
    check: (disk) => runProgram("ntfsls", disk),
  },
  {
    name: "FAT",
    size: 9 * MIB + 512,
    make: (disk) => runProgram("mkfs.vfat", disk),
    put: (disk, file, name) => runProgram("mcopy", "-o", "-i", disk, file, `::${name}`),
    remove: (disk, name) => runProgram("mdel", "-i", disk, `::${name}`),
    take: (disk, name, file) => runProgram("mcopy", "-o", "-i", disk, `::${name}`, file),
    check: (disk) => runProgram("fsck.vfat", "-n", disk),
  },
];

type Change =
  | { kind: "put"; name: string; seed: number; length: number }
  | { kind: "remove"; name: string }
  /** Runs of zeros become holes in the image's file, as a guest's discards make them. */
  | { kind: "dig" }
  | { kind: "grow" };

const name = fc.constantFrom("first", "second", "third", "fourth");
const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("put" as const),
      name,
      seed: fc.nat(1000),
      length: fc.constantFrom(10, 5000, 70_000, 150_000),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("remove" as const), name }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("dig" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("grow" as const) }) },
);
/** What happens before each backup. */
const history = fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { minLength: 4, maxLength: 7 });

type Living = FileSystem & { disk: string; scratch: string; content: Map<string, Buffer> };

async function apply({ disk, scratch, content, put, remove }: Living, one: Change): Promise<void> {
  if (one.kind === "dig") return void (await runProgram("fallocate", "--dig-holes", disk));
  if (one.kind === "grow") return void (await runProgram("truncate", "-s", "+1M", disk));
  const isThere = content.has(one.name);
  if (one.kind === "put") {
    const text = Buffer.from(noise(one.length, one.seed).toString("hex"));
    await writeFile(scratch, text);
    if (isThere) await remove?.(disk, one.name);
    await put(disk, scratch, one.name);
    content.set(one.name, text);
  } else if (isThere && remove !== undefined) {
    await remove(disk, one.name);
    content.delete(one.name);
  }
}

type Point = { backup: Sidecar; digest: string; content: Map<string, Buffer> };

/** The point, restored by qemu-img alone, is the disk of its time, a sound file system, and holds the files of its time. */
async function checkPoint(bench: Bench, { check, take, scratch }: Living, point: Point): Promise<void> {
  const bytes = await restoreByQemuImg(bench.diskFolder, point.backup);
  expect(sha256(bytes)).toBe(point.digest);
  const restored = join(bench.folder, "restored");
  await writeFile(restored, bytes);
  await check(restored);
  for (const [file, text] of point.content) {
    await take(restored, file, scratch);
    expect(sha256(await readFile(scratch)), file).toBe(sha256(text));
  }
}

async function live(fileSystem: FileSystem, rounds: Change[][]): Promise<void> {
  await using bench = await openBench();
  const disk = join(bench.disks, "disk.raw");
  const living: Living = { ...fileSystem, disk, scratch: join(bench.folder, "file"), content: new Map() };
  const empty = join(bench.folder, "empty");
  await mkdir(empty);
  await makeRawDisk(disk, fileSystem.size);
  await fileSystem.make(disk, empty);
  const points: Point[] = [];
  let size = 0;
  for (const [round, changes] of rounds.entries()) {
    for (const one of changes) await apply(living, one);
    const compression = round % 2 === 0 ? "none" : "zstd";
    const backup = only(await bench.backup({ image: { compression, key: null } }));
    expect(backup.backup_type).toBe(backup.total_bytes === size ? "incremental" : "full");
    size = backup.total_bytes;
    points.push({ backup, digest: sha256(await readFile(disk)), content: new Map(living.content) });
  }
  for (const point of points) await checkPoint(bench, living, point);
}

it.for(FILE_SYSTEMS)("$name: any history of files written and deleted is there point by point", async (fileSystem) => {
  const lives = fc.asyncProperty(history, (rounds) => live(fileSystem, rounds));
  await fc.assert(lives, { seed, numRuns: runs, endOnFailure: true });
});
