import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeRawDisk, noise, runProgram, sha256 } from "../helpers/disks.ts";
import { only, openBench, restoreByQemuImg } from "../helpers/engine.ts";

const MIB = 2 ** 20;

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
    check: (disk) => runProgram("ntfsfix", "--no-action", disk),
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

it.for(FILE_SYSTEMS)("$name: files written and deleted between backups are there at their time", async (fileSystem) => {
  await using bench = await openBench();
  const { make, put, remove, take, check, size } = fileSystem;
  const disk = join(bench.disks, "disk.raw");
  const files = join(bench.folder, "files");
  await mkdir(files);
  const text = (seed: number): Buffer => Buffer.from(noise(150_000, seed).toString("hex"));
  for (const seed of [1, 2, 3]) await writeFile(join(files, `file-${seed}`), text(seed));
  await makeRawDisk(disk, size);
  await make(disk, files);
  await put(disk, join(files, "file-1"), "first");
  await put(disk, join(files, "file-2"), "second");
  const digests = [sha256(await readFile(disk))];
  const backups = [only(await bench.backup())];
  await put(disk, join(files, "file-3"), "third");
  await remove?.(disk, "first");
  digests.push(sha256(await readFile(disk)));
  backups.push(only(await bench.backup({ image: { compression: "zstd", key: null } })));
  await remove?.(disk, "second");
  await put(disk, join(files, "file-1"), "fourth");
  digests.push(sha256(await readFile(disk)));
  backups.push(only(await bench.backup()));
  expect(backups.map((backup) => backup.backup_type)).toEqual(["full", "incremental", "incremental"]);

  const present = [
    ["first", 1],
    ["third", 3],
    ["fourth", 1],
  ] as const;
  for (const [index, backup] of backups.entries()) {
    const bytes = await restoreByQemuImg(bench.diskFolder, backup);
    expect(sha256(bytes)).toBe(digests[index]);
    const restored = join(bench.folder, "restored");
    await writeFile(restored, bytes);
    await check(restored);
    const [name, seed] = present[index] ?? ["first", 1];
    await take(restored, name, join(files, "taken"));
    expect(sha256(await readFile(join(files, "taken")))).toBe(sha256(text(seed)));
  }
  const [, second] = backups;
  expect(second?.bytes_transferred).toBeLessThan(size / 4);
});
