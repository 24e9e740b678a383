import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeRawDisk, noise, qemuIo, readImage, runProgram, sha256, succeeds, writeAt } from "../helpers/disks.ts";
import { fileSource, only, openBench, restoreByQemuImg } from "../helpers/engine.ts";

const MIB = 2 ** 20;
const FORMATS = [
  { format: "qcow2", options: [] },
  { format: "vmdk", options: [] },
  { format: "vmdk", options: ["-o", "subformat=streamOptimized"] },
  { format: "vhdx", options: [] },
  { format: "vdi", options: [] },
] as const;

it.for(FORMATS)("a stopped VM's $format image $options", async ({ format, options }) => {
  await using bench = await openBench();
  const disk = join(bench.disks, `disk.${format}`);
  const raw = join(bench.folder, "raw");
  const size = 8 * MIB;
  await makeRawDisk(raw, size, { 0: noise(300_000, 1), [5 * MIB]: noise(70_000, 2) });
  const write = async (): Promise<unknown> =>
    await runProgram("qemu-img", "convert", "-f", "raw", "-O", format, ...options, raw, disk);
  await write();
  const source = fileSource(disk, format);
  const contents = [sha256(await readImage(disk, format))];
  const backups = [only(await bench.backup({ disks: [source] }))];
  if (options.length === 0) await qemuIo(disk, format, "write -P 7 3M 64k", "write -z 5M 64k", "write -P 9 100k 1k");
  else {
    // QEMU does not write into this kind: whoever changes it writes it anew.
    await writeAt(raw, 3 * MIB, noise(65_536, 3));
    await rm(disk);
    await write();
  }
  contents.push(sha256(await readImage(disk, format)));
  backups.push(only(await bench.backup({ disks: [source] })));
  const restored = [];
  for (const backup of backups) restored.push(sha256(await restoreByQemuImg(bench.diskFolder, backup)));
  expect(restored).toEqual(contents);
  const [full, increment] = backups;
  expect(full?.source).toEqual({ kind: "file", description: disk, format });
  expect(full?.change_detection.method).toBe("all-data");
  expect(increment).toMatchObject({ backup_type: "incremental", change_detection: { method: "hash-map" } });
  expect(increment?.bytes_transferred).toBeLessThanOrEqual(4 * 65_536);
});

it("a qcow2 image over backing files inside the roots is backed up as the VM sees it", async () => {
  await using bench = await openBench();
  await mkdir(join(bench.disks, "base"));
  const base = join(bench.disks, "base", "golden.raw");
  const middle = join(bench.disks, "middle.qcow2");
  const top = join(bench.disks, "top.qcow2");
  await makeRawDisk(base, 4 * MIB, { 0: noise(MIB, 1) });
  await runProgram("qemu-img", "create", "-q", "-f", "qcow2", "-b", "base/golden.raw", "-F", "raw", middle);
  await qemuIo(middle, "qcow2", "write -P 3 512k 128k");
  await runProgram("qemu-img", "create", "-q", "-f", "qcow2", "-b", middle, "-F", "qcow2", top, "5M");
  await qemuIo(top, "qcow2", "write -z 128k 64k", "write -P 5 4500k 64k");
  const content = sha256(await readImage(top, "qcow2"));
  const full = only(await bench.backup({ disks: [fileSource(top, "qcow2")] }));
  expect(sha256(await restoreByQemuImg(bench.diskFolder, full))).toBe(content);
  await qemuIo(middle, "qcow2", "write -P 4 2M 64k");
  const next = only(await bench.backup({ disks: [fileSource(top, "qcow2")] }));
  expect(next).toMatchObject({ backup_type: "incremental", bytes_transferred: 65_536 });
  expect(sha256(await restoreByQemuImg(bench.diskFolder, next))).toBe(sha256(await readImage(top, "qcow2")));
});

it("raw data that begins with a qcow2 header is backed up as the bytes it is", async () => {
  await using bench = await openBench();
  const sentinel = join(bench.folder, "secret");
  const crafted = join(bench.folder, "crafted.qcow2");
  const disk = join(bench.disks, "disk.raw");
  await makeRawDisk(sentinel, MIB, { 0: Buffer.alloc(MIB, "the host's secret ") });
  await runProgram("qemu-img", "create", "-q", "-f", "qcow2", "-b", sentinel, "-F", "raw", crafted);
  await runProgram("cp", crafted, disk);
  await runProgram("truncate", "-s", "1M", disk);
  const bytes = sha256(await readImage(disk, "raw"));
  const full = only(await bench.backup());
  const restored = await restoreByQemuImg(bench.diskFolder, full);
  expect(sha256(restored)).toBe(bytes);
  expect(restored.includes("the host's secret the host's secret")).toBe(false);
});

it("a block device, and one that is in use", async (context) => {
  await using bench = await openBench();
  const file = join(bench.folder, "device.raw");
  await makeRawDisk(file, 4 * MIB, { 0: noise(MIB, 1) });
  const device = await runProgram("losetup", "--find", "--show", file).catch(() => undefined);
  if (device === undefined) return context.skip("losetup does not work here: it needs root and loop devices");
  const path = device.trim();
  const mount = join(bench.folder, "mount");
  try {
    const roots = [bench.disks, "/dev"];
    const disks = [{ kind: "block" as const, path }];
    const content = sha256(await readImage(file, "raw"));
    const full = only(await bench.backup({ disks }, { roots }));
    expect(full).toMatchObject({ source: { kind: "block", description: path, format: "raw" }, consistency: "offline" });
    expect(sha256(await restoreByQemuImg(bench.diskFolder, full))).toBe(content);
    await runProgram("mkfs.ext4", "-q", "-F", path);
    await runProgram("sync");
    const next = only(await bench.backup({ disks }, { roots }));
    expect(next.backup_type).toBe("incremental");
    expect(sha256(await restoreByQemuImg(bench.diskFolder, next))).toBe(sha256(await readImage(file, "raw")));
    await mkdir(mount);
    if (!(await succeeds("mount", path, mount))) return context.skip("mounting does not work here");
    await expect(bench.backup({ disks }, { roots })).rejects.toMatchObject({
      code: "SOURCE_LOCKED",
      remedy: expect.stringMatching(/napshot/),
    });
  } finally {
    await succeeds("umount", mount);
    await runProgram("losetup", "--detach", path);
  }
});

it("a map that is lost or damaged is made up for by reading the chain again", async () => {
  await using bench = await openBench();
  const disk = join(bench.disks, "disk.raw");
  await makeRawDisk(disk, 3 * MIB, { 0: noise(MIB, 1) });
  const full = only(await bench.backup());
  const map = join(bench.diskFolder, full.hash_map.file_name);
  await writeAt(map, 100, Buffer.from("damage"));
  await writeAt(disk, 2 * MIB, noise(1000, 2));
  const next = only(await bench.backup());
  expect(next).toMatchObject({ backup_type: "incremental", bytes_transferred: 65_536 });
  expect(next.change_detection).toMatchObject({
    method: "compare",
    reason: expect.stringMatching(/cannot be used \(its digest is not/),
  });
  expect(sha256(await restoreByQemuImg(bench.diskFolder, next))).toBe(sha256(await readImage(disk, "raw")));
  await writeFile(map, "");
  await writeAt(disk, 2 * MIB, noise(2000, 3));
  const third = only(await bench.backup());
  expect(third.change_detection.method).toBe(third.backup_type === "full" ? "all-data" : "hash-map");
  expect(sha256(await restoreByQemuImg(bench.diskFolder, third))).toBe(sha256(await readImage(disk, "raw")));
});
