import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeRawDisk, noise, readImage, runProgram, sha256, writeAt } from "../helpers/disks.ts";
import { fileSource, inventory, openBench, refusal, restoreByQemuImg } from "../helpers/engine.ts";

const MIB = 2 ** 20;

describe("several disks of a VM", () => {
  it("belong to one restore point, and each says which others do", async () => {
    await using bench = await openBench();
    const paths = ["system.raw", "data.raw", "log.raw"].map((name) => join(bench.disks, name));
    for (const [index, path] of paths.entries()) await makeRawDisk(path, (index + 1) * MIB, { 0: noise(MIB, index) });
    const disks = paths.map((path) => fileSource(path));
    for (const type of ["full", "incremental"] as const) {
      await writeAt(paths[1] ?? "", 70_000, noise(10, type.length));
      const { restorePointId, backups } = await bench.backup({ disks, type });
      expect(backups.map((backup) => backup.disk_id)).toEqual([0, 1, 2]);
      for (const [index, backup] of backups.entries()) {
        expect(backup.backup_type).toBe(type);
        expect(backup.restore_point_id).toBe(restorePointId);
        expect(backup.restore_point_disks).toEqual([0, 1, 2]);
        expect(backup.created_at).toBe(backups[0]?.created_at);
        const restored = await restoreByQemuImg(join(bench.repository.path, "vm-1", `disk-${index}`), backup);
        expect(sha256(restored)).toBe(sha256(await readImage(paths[index] ?? "", "raw")));
      }
    }
  });

  it("become visible together or not at all", async () => {
    await using bench = await openBench();
    const [first, second] = [join(bench.disks, "first.raw"), join(bench.disks, "second.raw")];
    await makeRawDisk(first, MIB, { 0: noise(MIB, 1) });
    await makeRawDisk(second, 8 * MIB, { 0: noise(8 * MIB, 2) });
    const disks = [fileSource(first), fileSource(second)];
    const before = (await bench.backup({ disks })) && (await inventory(bench.repository));
    await writeAt(first, 0, noise(100, 3));
    await writeAt(second, 0, noise(100, 4));

    let meddled = false;
    const onProgress = ({ diskId }: { diskId: number }): void => {
      if (diskId !== 1 || meddled) return;
      meddled = true;
      // The first disk is copied by now; its VM is started while the second is read.
      void writeAt(first, 0, noise(100, 5));
    };
    const changed = await refusal(bench.backup({ disks, speedLimit: 16 * MIB }, { onProgress }));
    expect(changed.code).toBe("SOURCE_CHANGED");
    expect(changed.message).toContain("first.raw");
    expect(await inventory(bench.repository)).toEqual(before);

    await runProgram("truncate", "-s", "0", second);
    expect((await refusal(bench.backup({ disks }))).code).toBe("SOURCE_EMPTY");
    expect(await inventory(bench.repository)).toEqual(before);

    await makeRawDisk(second, 8 * MIB, { 0: noise(MIB, 6) });
    const { backups } = await bench.backup({ disks });
    expect(backups.map((backup) => backup.backup_type)).toEqual(["incremental", "incremental"]);
    expect(await readdir(join(bench.repository.path, "vm-1"))).toEqual(["disk-0", "disk-1"]);
  });

  it("are refused when two have one number or there is none", async () => {
    await using bench = await openBench();
    const disk = join(bench.disks, "disk.raw");
    await makeRawDisk(disk, MIB);
    expect((await refusal(bench.backup({ disks: [] }))).code).toBe("BAD_REQUEST");
    const mixed = bench.backup({ disks: [fileSource(disk), { kind: "block", path: disk }] });
    expect(await refusal(mixed)).toMatchObject({ code: "BAD_REQUEST", message: expect.stringMatching(/of one kind/) });
  });
});
