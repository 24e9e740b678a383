import { existsSync, writeFileSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { flipBit, hostOffset, makeUnreadable } from "../../../test/helpers/damage-backups.ts";
import {
  copyBackups,
  type HandMade,
  idOf,
  makeBackups,
  run,
  TEST_KEYS,
} from "../../../test/helpers/hand-made-backups.ts";
import { type RestoreOptions, restoreDisk } from "./restore.ts";

const MIB = 1024 * 1024;
const error = (code: string, message: RegExp) => ({ code, message: expect.stringMatching(message) });
let made: HandMade;
let folder: string;
let runs = 0;

beforeAll(async () => {
  const writes = [
    ["write -P 5 0 1M", "write -P 6 30M 100k"],
    ["write -P 7 64k 64k", "write -z 512k 128k"],
    ["write -P 8 32M 1k"],
  ];
  made = await makeBackups({ diskSize: 32 * MIB + 1024, writes });
});
afterAll(() => made.remove());
beforeEach(async () => {
  folder = join(made.root, `restored-${++runs}`);
  await mkdir(folder);
});

async function restore(index: number, options: Partial<RestoreOptions> = {}, from?: HandMade) {
  const target = join(folder, "disk");
  const disk = await (from ?? made).read();
  return await restoreDisk(disk, idOf(index), { target, format: "raw", keys: null, ...options });
}

test("every point comes back byte by byte, sparse, with the disk's size, readable by its owner alone", async () => {
  for (const index of [0, 1, 2]) {
    const target = join(folder, `disk-${index}`);
    const restored = await restore(index, { target, verify: true });
    await run("cmp", [target, made.rawOf(index)]);
    const { size, blocks, mode } = await stat(target);
    expect(size).toBe(32 * MIB + 1024);
    expect(blocks * 512).toBeLessThan(2 * MIB);
    expect(mode & 0o777).toBe(0o600);
    expect(restored).toMatchObject({ diskBytes: size, comparison: { findings_total: 0 } });
  }
  expect(await readdir(folder)).toHaveLength(3);
});

test("as qcow2 it holds the same disk and needs no other file", async () => {
  const { target, comparison } = await restore(2, { format: "qcow2", verify: true });
  expect(comparison).toMatchObject({ findings_total: 0, cached: false });
  const { stdout } = await run("qemu-img", ["info", "--output=json", target]);
  expect(JSON.parse(stdout)).not.toHaveProperty("backing-filename");
  await run("qemu-img", ["compare", "-f", "qcow2", "-F", "raw", target, made.rawOf(2)]);
});

test("an existing file is replaced only when that was said, and only by a whole disk", async () => {
  const target = join(folder, "disk");
  await writeFile(target, "mine");
  await expect(restore(0)).rejects.toMatchObject({ code: "CONFLICT" });
  const stop = new AbortController();
  const onProgress = (): void => stop.abort();
  await expect(restore(0, { overwrite: true, signal: stop.signal, onProgress })).rejects.toMatchObject({
    code: "CANCELLED",
  });
  expect(await readFile(target, "utf8")).toBe("mine");
  expect(await readdir(folder)).toEqual(["disk"]);
  await restore(0, { overwrite: true });
  await run("cmp", [target, made.rawOf(0)]);
});

test("what a killed restore left beside the target is written over; a link there is not followed", async () => {
  const target = join(folder, "disk");
  await writeFile(`${target}.partial`, Buffer.alloc(40 * MIB, 1));
  await restore(1);
  await run("cmp", [target, made.rawOf(1)]);
  const victim = join(folder, "victim");
  await writeFile(victim, "precious");
  await symlink(victim, `${target}.partial`);
  await expect(restore(1, { overwrite: true })).rejects.toMatchObject({ code: "CONFLICT" });
  expect(await readFile(victim, "utf8")).toBe("precious");
});

test("a second restore to the same target is refused and leaves the first alone", async () => {
  const slow = restore(2, { speedLimit: 512 * 1024 });
  await new Promise((wake) => setTimeout(wake, 400));
  await expect(restore(2)).rejects.toMatchObject({ code: "BUSY" });
  await slow;
  await run("cmp", [join(folder, "disk"), made.rawOf(2)]);
});

/** Takes all space that is left, as another program would. */
function fillUp(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(1300 * 1024));
  } catch {} // It is full, which is what this is for.
}

test("a target without space is refused before anything is written, one that fills up is cleaned", async () => {
  const mount = join(folder, "small");
  await mkdir(mount);
  await run("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", mount]);
  try {
    const target = join(mount, "disk");
    await expect(restore(0, { target })).rejects.toMatchObject(error("NO_SPACE", /free/));
    // Room enough by the map, which counts no file system's own blocks nor what comes meanwhile.
    await run("mount", ["-o", "remount,size=1300k", mount]);
    const filling = restore(0, { target, speedLimit: 1024 * 1024 });
    const begun = setInterval(() => {
      if (!existsSync(`${target}.partial`)) return;
      clearInterval(begun);
      fillUp(join(mount, "other"));
    }, 0);
    await expect(filling).rejects.toMatchObject({ code: "NO_SPACE" });
    expect(await readdir(mount)).toEqual(["other"]);
  } finally {
    await run("umount", ["-l", mount]);
  }
});

test("a chain that cannot be read is the backup's fault, with the place; nothing is left", async () => {
  const damaged = await copyBackups(made);
  try {
    await makeUnreadable(damaged.pathOf(0), 3);
    const failed = restore(2, {}, damaged);
    await expect(failed).rejects.toMatchObject(error("REPOSITORY_DAMAGED", /cannot be read/));
    await rm(damaged.pathOf(0));
    await expect(restore(2, {}, damaged)).rejects.toMatchObject(error("REPOSITORY_DAMAGED", /missing/));
    expect(await readdir(folder)).toEqual([]);
  } finally {
    await damaged.remove();
  }
});

test("a restore of rotted data is found when it is compared with the map", async () => {
  const damaged = await copyBackups(made);
  try {
    await flipBit(damaged.pathOf(0), await hostOffset(damaged.pathOf(0), 30 * MIB));
    const { comparison } = await restore(2, { verify: true }, damaged);
    expect(comparison?.findings).toMatchObject([{ code: "CONTENT_MISMATCH", offset: 30 * MIB, length: 65_536 }]);
  } finally {
    await damaged.remove();
  }
});

test("a disk that ends inside a sector comes back with its own size", async () => {
  const odd = await makeBackups({ diskSize: 65_536 + 1000, writes: [["write -P 5 64k 1k", "write -z 66500 60"]] });
  try {
    const { target } = await restore(0, { verify: true }, odd);
    expect((await stat(target)).size).toBe(65_536 + 1000);
    await run("cmp", ["-n", String(65_536 + 1000), target, odd.rawOf(0)]);
  } finally {
    await odd.remove();
  }
});

test("an encrypted point needs its key", async () => {
  const encrypted = await makeBackups({ diskSize: 4 * MIB, encrypted: true, writes: [["write -P 5 0 1M"]] });
  try {
    await expect(restore(0, {}, encrypted)).rejects.toMatchObject({ code: "ENCRYPTION_NOT_READY" });
    const { target } = await restore(0, { keys: TEST_KEYS, verify: true }, encrypted);
    await run("cmp", [target, encrypted.rawOf(0)]);
  } finally {
    await encrypted.remove();
  }
});

test("a block device is written in place when nobody uses it and that was said", async () => {
  const backing = join(folder, "device.raw");
  await writeFile(backing, Buffer.alloc(40 * MIB, 0xff));
  const { stdout } = await run("losetup", ["--find", "--show", backing]);
  const target = stdout.trim();
  try {
    await expect(restore(2, { target })).rejects.toMatchObject({ code: "CONFLICT" });
    await expect(restore(2, { target, overwrite: true, format: "qcow2" })).rejects.toMatchObject({
      code: "BAD_REQUEST",
    });
    const { comparison } = await restore(2, { target, overwrite: true, verify: true });
    expect(comparison).toMatchObject({ findings_total: 0 });
    await run("cmp", ["-n", String(32 * MIB + 1024), target, made.rawOf(2)]);
    await run("mkfs.ext4", ["-q", "-F", target]);
    const mount = join(folder, "mounted");
    await mkdir(mount);
    await run("mount", [target, mount]);
    try {
      await expect(restore(2, { target, overwrite: true })).rejects.toMatchObject({ code: "BUSY" });
    } finally {
      await run("umount", [mount]);
    }
  } finally {
    await run("losetup", ["-d", target]);
  }
});
