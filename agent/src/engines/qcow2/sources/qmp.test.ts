import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { DISK_SIZE, frozenBytes, KIB, MIB, openGuestBench, tracesIn } from "../../../../../test/helpers/guest-bench.ts";
import { freezeQmp, freezeVm } from "./qmp.ts";
import { listDrives } from "./qmp-vm.ts";

test.each([
  ["raw", "blockdev", "virtio-blk-pci"],
  ["qcow2", "blockdev", "ide-hd"],
  ["qcow2", "drive", "virtio-blk-pci"],
] as const)("a %s disk by -%s on %s is served as it was, and the guest writes on", async (format, attach, device) => {
  await using bench = await openGuestBench();
  const vm = await bench.boot(await bench.makeDisk("disk0", format, { attach, device }));
  await vm.write("disk0", 0, 4 * MIB, 0x11);
  const before = (await listDrives(vm.qmp)).map((drive) => drive.inserted?.["node-name"]);
  const name = attach === "drive" ? "disk0" : "disk0-dev";
  const { point, source } = await bench.freezeOne(name, { backupId: "b1" });
  await vm.write("disk0", 2 * MIB, 8 * MIB, 0x22);
  const then = Buffer.concat([Buffer.alloc(4 * MIB, 0x11), Buffer.alloc(DISK_SIZE - 4 * MIB)]);
  expect((await frozenBytes(source)).equals(then)).toBe(true);
  await source.confirm();
  expect(source.dirty).toEqual({ via: "none" });
  expect(point.consistency).toBe("crash-consistent");
  expect(await point.release("committed")).toEqual([]);
  expect(await tracesIn(vm)).toEqual(["holdfast-b1 records"]);
  expect(await readdir(bench.fleeceFolder)).toEqual([]);
  expect((await listDrives(vm.qmp)).map((drive) => drive.inserted?.["node-name"])).toEqual(before);
  await vm.expect("disk0", 0, 2 * MIB, 0x11);
  await vm.expect("disk0", 2 * MIB, 8 * MIB, 0x22);
  expect(bench.warnings).toEqual([]);
});

test("a full fleece ends the backup, never the guest's write", async () => {
  await using bench = await openGuestBench();
  const vm = await bench.boot(await bench.makeDisk("disk0", "qcow2"));
  await vm.write("disk0", 0, 14 * MIB, 0x11);
  const point = await freezeVm([bench.request("disk0", { backupId: "b1" })], bench.context(), 4 * MIB);
  const [source] = point.sources;
  if (!source) throw new Error("nothing was frozen");
  await vm.write("disk0", 0, 64 * KIB, 0x22);
  await source.confirm();
  for (let at = 0; at < 14; at++) await vm.write("disk0", at * MIB, MIB, 0x33);
  await vm.expect("disk0", 0, 14 * MIB, 0x33);
  await expect(source.confirm()).rejects.toMatchObject({
    code: "NO_SPACE",
    remedy: expect.stringMatching(/fleece_folder/),
  });
  await expect(frozenBytes(source)).rejects.toThrow();
  expect(await point.release("abandoned")).toEqual([]);
  expect(await tracesIn(vm)).toEqual([]);
  await vm.expect("disk0", 0, 14 * MIB, 0x33);
});

test("a VM that dies during the backup is missing, and its files are removed", async () => {
  await using bench = await openGuestBench();
  const vm = await bench.boot(await bench.makeDisk("disk0", "raw"));
  const { point, source } = await bench.freezeOne("disk0", { backupId: "b1" });
  await source.confirm();
  await vm.kill();
  await expect(source.confirm()).rejects.toMatchObject({ code: "SOURCE_MISSING" });
  expect(await point.release("abandoned")).toEqual([]);
  expect(await readdir(bench.fleeceFolder)).toEqual([]);
});

test("a VM that is restarted during the backup is not mistaken for the one before", async () => {
  await using bench = await openGuestBench();
  const disk = await bench.makeDisk("disk0", "qcow2");
  await bench.boot(disk).then(async (vm) => vm.write("disk0", 0, MIB, 0x11));
  const { point, source } = await bench.freezeOne("disk0", { backupId: "b1", write_bitmap: true });
  // The other end of the bench's VM: an orderly end writes the new bitmap into the image.
  await bench.stop();
  const vm = await bench.boot(disk);
  await expect(source.confirm()).rejects.toMatchObject({ code: "SOURCE_MISSING" });
  expect(await point.release("abandoned")).toEqual([]);
  expect(await tracesIn(vm)).toEqual([]);
});

test("without a fleece folder a private one is used, and removed", async () => {
  await using bench = await openGuestBench();
  await bench.boot(await bench.makeDisk("disk0", "raw"));
  const wanted = bench.request("disk0", { backupId: "b1" });
  const { fleece_folder: _none, ...spec } = wanted.spec;
  const mine = new RegExp(`fleece-hf-${process.pid.toString(36)}-`);
  const privateFolders = async (): Promise<string[]> => (await readdir(tmpdir())).filter((name) => mine.test(name));
  const point = await freezeQmp([{ ...wanted, spec }], bench.context());
  expect(await privateFolders()).toHaveLength(1);
  await point.release("abandoned");
  expect(await privateFolders()).toEqual([]);
});
