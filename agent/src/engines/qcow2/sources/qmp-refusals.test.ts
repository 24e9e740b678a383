import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openGuestBench, tracesIn } from "../../../../../test/helpers/guest-bench.ts";
import { freezeQmp } from "./qmp.ts";

test("what cannot be backed up is refused with its remedy, and the VM stays as it was", async () => {
  await using bench = await openGuestBench();
  const disk = await bench.makeDisk("disk0", "raw", { properties: "iothread=io0" });
  const readOnly = await bench.makeDisk("disk1", "raw");
  const behind = await bench.makeDisk("disk2", "raw");
  const vm = await bench.bootWith({
    disks: [disk],
    args: [
      ...["-object", "iothread,id=io0", "-device", "ide-cd,id=cd0"],
      ...["-device", "virtio-scsi-pci,id=scsi0,iothread=io0", "-device", "scsi-hd,id=behind-dev,drive=behind"],
      ...["-blockdev", `driver=raw,node-name=behind,file.driver=file,file.filename=${behind.path}`],
      ...["-blockdev", `driver=raw,node-name=ro0,read-only=on,file.driver=file,file.filename=${readOnly.path}`],
      ...["-device", "virtio-blk-pci,id=ro0-dev,drive=ro0"],
    ],
  });
  const saying = (code: string, part: "message" | "remedy", words: RegExp) => ({
    code,
    [part]: expect.stringMatching(words),
  });
  const attempt = (device: string, roots = [bench.folder]) =>
    freezeQmp([bench.request(device, { backupId: "b1" })], { ...bench.context(), roots });
  await expect(attempt("disk7")).rejects.toMatchObject(saying("NOT_FOUND", "remedy", /disk0-dev/));
  await expect(attempt("cd0")).rejects.toMatchObject(saying("SOURCE_EMPTY", "message", /no medium/));
  await expect(attempt("ro0")).rejects.toMatchObject(saying("SOURCE_NOT_A_DISK", "remedy", /as a file/));
  for (const name of ["disk0", "behind"]) {
    await expect(attempt(name)).rejects.toMatchObject(saying("BAD_REQUEST", "message", /iothread/));
  }
  await expect(attempt("disk0", ["/nowhere"])).rejects.toMatchObject({ code: "SOURCE_NOT_ALLOWED" });
  expect(await tracesIn(vm)).toEqual([]);
});

test("one request is for one VM, and each of its disks once", async () => {
  await using bench = await openGuestBench();
  const vm = await bench.boot(await bench.makeDisk("disk0", "raw"));
  const first = bench.request("disk0", { backupId: "b1" });
  const elsewhere = { ...first, spec: { ...first.spec, socket: "/elsewhere" } };
  const twice = bench.request("disk0-dev", { backupId: "b2" }, 1);
  for (const other of [elsewhere, twice]) {
    await expect(freezeQmp([first, other], bench.context())).rejects.toMatchObject({ code: "BAD_REQUEST" });
  }
  expect(await tracesIn(vm)).toEqual([]);
});

test("a VM that is not there, or a socket that is none, is missing", async () => {
  await using bench = await openGuestBench();
  const file = join(bench.folder, "qmp.sock");
  await writeFile(file, "");
  await expect(bench.freezeOne("disk0", { backupId: "b1" })).rejects.toMatchObject({ code: "SOURCE_MISSING" });
});

test("a VM that runs an NBD server of its own keeps it", async () => {
  await using bench = await openGuestBench();
  const vm = await bench.boot(await bench.makeDisk("disk0", "raw"));
  const path = join(bench.folder, "own.sock");
  await vm.qmp.execute("nbd-server-start", { addr: { type: "unix", data: { path } } });
  await expect(bench.freezeOne("disk0", { backupId: "b1" })).rejects.toMatchObject({ code: "BUSY" });
  expect(await tracesIn(vm)).toEqual([]);
  const exported = { type: "nbd", id: "own", "node-name": "disk0", name: "own", writable: false };
  await expect(vm.qmp.execute("block-export-add", exported)).resolves.toBeDefined();
});

test("two backups of one VM do not meet", async () => {
  await using bench = await openGuestBench();
  const vm = await bench.bootWith({
    disks: [await bench.makeDisk("disk0", "raw")],
    args: ["-qmp", `unix:${join(bench.folder, "more.sock")},server=on,wait=off`],
  });
  const { point } = await bench.freezeOne("disk0", { backupId: "b1" });
  const second = bench.request("disk0", { backupId: "b2" });
  second.spec.socket = join(bench.folder, "more.sock");
  await expect(freezeQmp([second], bench.context())).rejects.toMatchObject({ code: "BUSY" });
  await point.release("committed");
  expect(await tracesIn(vm)).toEqual(["holdfast-b1 records"]);
});
