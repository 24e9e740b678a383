import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { BackupOutcome } from "../../agent/src/engines/engine.ts";
import { makeRawDisk, noise, qemuIo, readImage, runProgram, sha256 } from "../helpers/disks.ts";
import { type Bench, fileSource, only, openBench, restoreByQemuImg } from "../helpers/engine.ts";

const MIB = 2 ** 20;
const SIZE = 32 * MIB;

async function bitmapsOf(disk: string): Promise<string[]> {
  const info = JSON.parse(await runProgram("qemu-img", "info", "--output=json", "-f", "qcow2", disk));
  return (info["format-specific"].data.bitmaps ?? []).map((bitmap: { name: string }) => bitmap.name);
}

async function makeImage(bench: Bench): Promise<string> {
  const disk = join(bench.disks, "disk.qcow2");
  const raw = join(bench.folder, "raw");
  await makeRawDisk(raw, SIZE, { 0: noise(2 * MIB, 1) });
  await runProgram("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, disk);
  return disk;
}

/** Ends a writer without letting it store its bitmaps, as a crash of the VM's host would. */
async function crashWhileWriting(disk: string): Promise<void> {
  await runProgram("qemu-io", "-f", "qcow2", "-c", "write -P 6 20M 64k", "-c", "sigraise 9", disk).catch(
    () => undefined,
  );
}

const backUp = (bench: Bench, disk: string, write = true): Promise<BackupOutcome> =>
  bench.backup({ disks: [fileSource(disk, "qcow2", write)] });

describe("a persistent dirty bitmap in the image", () => {
  it("finds the changes, counts from the newest backup, and is the only one of ours there", async () => {
    await using bench = await openBench();
    const disk = await makeImage(bench);
    let last = only(await backUp(bench, disk));
    expect(await bitmapsOf(disk)).toEqual([`holdfast-${last.backup_id}`]);
    for (const round of [1, 2, 3]) {
      await qemuIo(disk, "qcow2", `write -P ${round} ${round}M 100k`, `write -z ${10 + round}M 64k`);
      last = only(await backUp(bench, disk));
      expect(last).toMatchObject({ backup_type: "incremental", change_detection: { method: "dirty-bitmap" } });
      expect(last.change_detection.reason).toMatch(/persistent bitmap counts from .* consistent and recording/);
      expect(last.bytes_transferred).toBeLessThanOrEqual(3 * 65_536);
      expect(sha256(await restoreByQemuImg(bench.diskFolder, last))).toBe(sha256(await readImage(disk, "qcow2")));
      expect(await bitmapsOf(disk)).toEqual([`holdfast-${last.backup_id}`]);
    }
  });

  it("is not written without being allowed, and the image's bytes stay as they are", async () => {
    await using bench = await openBench();
    const disk = await makeImage(bench);
    const before = await runProgram("sha256sum", disk);
    const full = only(await backUp(bench, disk, false));
    expect(await runProgram("sha256sum", disk)).toBe(before);
    const next = only(await backUp(bench, disk, false));
    expect(next.change_detection).toMatchObject({
      method: "hash-map",
      reason: expect.stringMatching(/holds no bitmap that counts from/),
    });
    expect(next.change_detection.reason).toContain(full.backup_id);
    expect(next.bytes_transferred).toBe(0);
  });

  it("is not used after a crash, nor when it was switched off, and the backup says so", async () => {
    await using bench = await openBench();
    const disk = await makeImage(bench);
    const full = only(await backUp(bench, disk));
    await crashWhileWriting(disk);
    const crashed = only(await backUp(bench, disk));
    expect(crashed.change_detection).toMatchObject({
      method: "hash-map",
      reason: expect.stringMatching(/inconsistent.*crashed/),
    });
    expect(sha256(await restoreByQemuImg(bench.diskFolder, crashed))).toBe(sha256(await readImage(disk, "qcow2")));
    expect(await bitmapsOf(disk)).toEqual([`holdfast-${crashed.backup_id}`]);
    expect(full.backup_id).not.toBe(crashed.backup_id);

    await runProgram("qemu-img", "bitmap", "--disable", "-f", "qcow2", disk, `holdfast-${crashed.backup_id}`);
    await qemuIo(disk, "qcow2", "write -P 8 21M 64k");
    const off = only(await backUp(bench, disk));
    expect(off.change_detection).toMatchObject({ method: "hash-map", reason: expect.stringMatching(/switched off/) });
    expect(sha256(await restoreByQemuImg(bench.diskFolder, off))).toBe(sha256(await readImage(disk, "qcow2")));
  });

  it("that lies about much of the disk is found out by the samples, and not believed", async () => {
    await using bench = await openBench();
    const disk = await makeImage(bench);
    const full = only(await backUp(bench, disk));
    await qemuIo(disk, "qcow2", "write -P 9 0 16M");
    const name = `holdfast-${full.backup_id}`;
    for (const change of ["--remove", "--add"])
      await runProgram("qemu-img", "bitmap", change, "-f", "qcow2", disk, name);
    const next = only(await backUp(bench, disk));
    expect(next.change_detection).toMatchObject({
      method: "hash-map",
      reason: expect.stringMatching(/called a block .* clean that had changed/),
    });
    expect(sha256(await restoreByQemuImg(bench.diskFolder, next))).toBe(sha256(await readImage(disk, "qcow2")));
  });

  it("of a backup that failed is taken back, and the parent's goes on counting", async () => {
    await using bench = await openBench();
    const disk = await makeImage(bench);
    const full = only(await backUp(bench, disk));
    // So much that it cannot be through at this speed, whatever QEMU lets pass at first.
    await qemuIo(disk, "qcow2", "write -P 3 4M 8M");
    const signal = AbortSignal.timeout(250);
    const slow = bench.backup({ disks: [fileSource(disk, "qcow2", true)], speedLimit: 65_536 }, { signal });
    await expect(slow).rejects.toMatchObject({ code: "CANCELLED" });
    expect(await bitmapsOf(disk)).toEqual([`holdfast-${full.backup_id}`]);
    const next = only(await backUp(bench, disk));
    expect(next).toMatchObject({ change_detection: { method: "dirty-bitmap" }, bytes_transferred: 8 * MIB });
  });
});
