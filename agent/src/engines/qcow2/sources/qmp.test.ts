import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Guest, type GuestDisk, startGuest } from "../../../../../test/helpers/guest.ts";
import { connectNbd } from "../../../nbd/client.ts";
import type { NbdEndpoint } from "../../../nbd/endpoint.ts";
import type { FrozenPoint, OpenSource, SourceSpec } from "../source.ts";
import { freezeQmp, freezeVm } from "./qmp.ts";
import { listDrives, listNodes } from "./qmp-vm.ts";

const KIB = 1024;
const MIB = 1024 ** 2;
const SIZE = 16 * MIB;

let folder: string;
let guest: Guest | undefined;
let warnings: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hf-"));
  await mkdir(join(folder, "fleece"));
  warnings = [];
});

afterEach(async () => {
  if (guest?.running()) await guest.kill();
  guest = undefined;
  await rm(folder, { recursive: true, force: true });
});

const run = promisify(execFile);

async function makeDisk(id: string, format: "raw" | "qcow2", more: Partial<GuestDisk> = {}): Promise<GuestDisk> {
  const path = join(folder, `${id}.${format}`);
  await run("qemu-img", ["create", "-q", "-f", format, path, String(SIZE)]);
  return { id, path, format, ...more };
}

async function boot(...disks: GuestDisk[]): Promise<Guest> {
  guest = await startGuest({ folder, disks });
  return guest;
}

type Wish = { backupId: string; parentId?: string; write_bitmap?: boolean };

function request(vm: Guest, device: string, wish: Wish, diskId = 0) {
  const spec: Extract<SourceSpec, { kind: "qmp" }> = {
    kind: "qmp",
    socket: vm.socket,
    device,
    fleece_folder: join(folder, "fleece"),
    write_bitmap: wish.write_bitmap ?? false,
  };
  return { diskId, spec, backupId: wish.backupId, parentId: wish.parentId ?? null };
}

function context() {
  return { roots: [folder], nbdServers: [], warn: (sentence: string) => void warnings.push(sentence) };
}

async function freezeOne(vm: Guest, device: string, wish: Wish): Promise<{ point: FrozenPoint; source: OpenSource }> {
  const point = await freezeQmp([request(vm, device, wish)], context());
  const [source] = point.sources;
  if (!source) throw new Error("nothing was frozen");
  return { point, source };
}

function endpointOf(source: OpenSource): NbdEndpoint {
  const { server, export: exportName } = source.node as unknown as { server: { path: string }; export: string };
  return { transport: "unix", socket: server.path, exportName };
}

/** The frozen disk's bytes, as the engine would read them. */
async function content(source: OpenSource): Promise<Buffer> {
  const client = await connectNbd(endpointOf(source));
  const bytes = Buffer.alloc(client.size);
  await client.read(0, bytes);
  await client.close();
  return bytes;
}

/** Numbers of the 64 KiB blocks that the bitmap lists. */
async function dirtyBlocks(source: OpenSource): Promise<number[]> {
  if (source.dirty.via !== "server") throw new Error(source.dirtyReason);
  const { endpoint, context: name } = source.dirty;
  const client = await connectNbd(endpoint, { contexts: [name] });
  const blocks: number[] = [];
  for (let offset = 0; offset < client.size; ) {
    for (const run of await client.blockStatus(name, offset, client.size - offset)) {
      offset = run.offset + run.length;
      if ((run.flags & 1) === 0) continue;
      for (let at = run.offset; at < offset; at += 64 * KIB) blocks.push(at / (64 * KIB));
    }
  }
  await client.close();
  return blocks;
}

/** What a backup may leave in a VM: names of nodes of ours, and bitmaps. */
async function traces(vm: Guest): Promise<string[]> {
  const nodes = await listNodes(vm.qmp);
  return nodes.flatMap((node) => [
    ...(node["node-name"].startsWith("hf-") ? [node["node-name"]] : []),
    ...(node["dirty-bitmaps"] ?? []).map(({ name, recording }) => `${name} ${recording ? "records" : "stands"}`),
  ]);
}

test.each([
  ["raw", "blockdev", "virtio-blk-pci"],
  ["qcow2", "blockdev", "ide-hd"],
  ["qcow2", "drive", "virtio-blk-pci"],
] as const)("a %s disk by -%s on %s is served as it was, and the guest writes on", async (format, attach, device) => {
  const vm = await boot(await makeDisk("disk0", format, { attach, device }));
  await vm.write("disk0", 0, 4 * MIB, 0x11);
  const before = (await listDrives(vm.qmp)).map((drive) => drive.inserted?.["node-name"]);
  const { point, source } = await freezeOne(vm, attach === "drive" ? "disk0" : "disk0-dev", { backupId: "b1" });
  await vm.write("disk0", 2 * MIB, 8 * MIB, 0x22);
  const bytes = await content(source);
  expect(bytes.equals(Buffer.concat([Buffer.alloc(4 * MIB, 0x11), Buffer.alloc(SIZE - 4 * MIB)]))).toBe(true);
  await source.confirm();
  expect(source.dirty).toEqual({ via: "none" });
  expect(point.consistency).toBe("crash-consistent");
  expect(await point.release("committed")).toEqual([]);
  expect(await traces(vm)).toEqual(["holdfast-b1 records"]);
  expect(await readdir(join(folder, "fleece"))).toEqual([]);
  expect((await listDrives(vm.qmp)).map((drive) => drive.inserted?.["node-name"])).toEqual(before);
  await vm.expect("disk0", 0, 2 * MIB, 0x11);
  await vm.expect("disk0", 2 * MIB, 8 * MIB, 0x22);
  expect(warnings).toEqual([]);
});

test("an increment's bitmap lists what changed between the two freezes", async () => {
  const vm = await boot(await makeDisk("disk0", "raw"));
  await vm.write("disk0", 0, 4 * MIB, 0x11);
  const full = await freezeOne(vm, "disk0", { backupId: "b1" });
  await vm.write("disk0", 3 * 64 * KIB, 64 * KIB, 0x22);
  await full.point.release("committed");
  await vm.write("disk0", 7 * 64 * KIB, 512, 0x33);
  const next = await freezeOne(vm, "disk0", { backupId: "b2", parentId: "b1" });
  await vm.write("disk0", 9 * 64 * KIB, 512, 0x44);
  expect(await dirtyBlocks(next.source)).toEqual([3, 7]);
  expect((await content(next.source))[9 * 64 * KIB]).toBe(0x11);
  await next.point.release("committed");
  expect(await traces(vm)).toEqual(["holdfast-b2 records"]);
  const last = await freezeOne(vm, "disk0", { backupId: "b3", parentId: "b2" });
  expect(await dirtyBlocks(last.source)).toEqual([9]);
  await last.point.release("committed");
});

test("a backup given up keeps the parent's bitmap complete", async () => {
  const vm = await boot(await makeDisk("disk0", "raw"));
  await (await freezeOne(vm, "disk0", { backupId: "b1" })).point.release("committed");
  await vm.write("disk0", 64 * KIB, 512, 1);
  const failed = await freezeOne(vm, "disk0", { backupId: "b2", parentId: "b1" });
  await vm.write("disk0", 2 * 64 * KIB, 512, 2);
  expect(await failed.point.release("abandoned")).toEqual([]);
  expect(await traces(vm)).toEqual(["holdfast-b1 records"]);
  await vm.write("disk0", 5 * 64 * KIB, 512, 3);
  const again = await freezeOne(vm, "disk0", { backupId: "b3", parentId: "b1" });
  expect(await dirtyBlocks(again.source)).toEqual([1, 2, 5]);
  await again.point.release("abandoned");
});

test("a full fleece ends the backup, never the guest's write", async () => {
  const vm = await boot(await makeDisk("disk0", "qcow2"));
  await vm.write("disk0", 0, 14 * MIB, 0x11);
  const point = await freezeVm([request(vm, "disk0", { backupId: "b1" })], context(), 4 * MIB);
  const [source] = point.sources;
  await vm.write("disk0", 0, 64 * KIB, 0x22);
  await source?.confirm();
  for (let at = 0; at < 14; at++) await vm.write("disk0", at * MIB, MIB, 0x33);
  await vm.expect("disk0", 0, 14 * MIB, 0x33);
  await expect(source?.confirm()).rejects.toMatchObject({ code: "NO_SPACE", remedy: /fleece_folder/ });
  await expect(source && content(source)).rejects.toThrow();
  expect(await point.release("abandoned")).toEqual([]);
  expect(await traces(vm)).toEqual([]);
  await vm.expect("disk0", 0, 14 * MIB, 0x33);
});

test("persistent bitmaps survive a clean restart; a crash is noticed", async () => {
  const disk = await makeDisk("disk0", "qcow2");
  let vm = await boot(disk);
  await (await freezeOne(vm, "disk0", { backupId: "b1", write_bitmap: true })).point.release("committed");
  await vm.write("disk0", 64 * KIB, 512, 1);
  await vm.quit();
  vm = await boot(disk);
  const second = await freezeOne(vm, "disk0", { backupId: "b2", parentId: "b1", write_bitmap: true });
  expect(await dirtyBlocks(second.source)).toEqual([1]);
  await second.point.release("committed");
  await vm.quit();
  vm = await boot(disk);
  await vm.write("disk0", 2 * 64 * KIB, 512, 1);
  await vm.kill();
  vm = await boot(disk);
  const third = await freezeOne(vm, "disk0", { backupId: "b3", parentId: "b2", write_bitmap: true });
  expect(third.source.dirty).toEqual({ via: "none" });
  expect(third.source.dirtyReason).toMatch(/b2 is inconsistent: the VM crashed/);
  await third.point.release("committed");
  expect(await traces(vm)).toEqual(["holdfast-b3 records"]);
  await vm.kill();
  vm = await boot(disk);
  const fourth = await freezeOne(vm, "disk0", { backupId: "b4", parentId: "b3" });
  expect(fourth.source.dirtyReason).toMatch(/b3 is gone: the VM was restarted, or crashed/);
  await fourth.point.release("abandoned");
});

test("a VM that dies during the backup is missing, and its files are removed", async () => {
  const vm = await boot(await makeDisk("disk0", "raw"));
  const { point, source } = await freezeOne(vm, "disk0", { backupId: "b1" });
  await source.confirm();
  await vm.kill();
  await expect(source.confirm()).rejects.toMatchObject({ code: "SOURCE_MISSING" });
  expect(await point.release("abandoned")).toEqual([]);
  expect(await readdir(join(folder, "fleece"))).toEqual([]);
});

test("without a fleece folder a private one is used, and removed", async () => {
  const vm = await boot(await makeDisk("disk0", "raw"));
  const wanted = request(vm, "disk0", { backupId: "b1" });
  const { fleece_folder: _none, ...spec } = wanted.spec;
  const privateFolders = async (): Promise<string[]> =>
    (await readdir(tmpdir())).filter((name) => name.includes(`fleece-hf-${process.pid.toString(36)}-`));
  const point = await freezeQmp([{ ...wanted, spec }], context());
  expect(await privateFolders()).toHaveLength(1);
  await point.release("abandoned");
  expect(await privateFolders()).toEqual([]);
});

test("what cannot be backed up is refused with its remedy, and the VM stays as it was", async () => {
  const disk = await makeDisk("disk0", "raw", { properties: "iothread=io0" });
  const readOnly = await makeDisk("disk1", "raw");
  guest = await startGuest({
    folder,
    disks: [disk],
    args: [
      ...["-object", "iothread,id=io0", "-device", "ide-cd,id=cd0"],
      ...["-blockdev", `driver=raw,node-name=ro0,read-only=on,file.driver=file,file.filename=${readOnly.path}`],
      ...["-device", "virtio-blk-pci,id=ro0-dev,drive=ro0"],
    ],
  });
  const vm = guest;
  const attempt = (device: string, roots = [folder]) =>
    freezeQmp([request(vm, device, { backupId: "b1" })], { ...context(), roots });
  await expect(attempt("disk7")).rejects.toMatchObject({ code: "NOT_FOUND", remedy: /disk0-dev/ });
  await expect(attempt("cd0")).rejects.toMatchObject({ code: "SOURCE_EMPTY" });
  await expect(attempt("ro0")).rejects.toMatchObject({ code: "SOURCE_NOT_A_DISK", remedy: /as a file/ });
  await expect(attempt("disk0")).rejects.toMatchObject({ code: "BAD_REQUEST", message: /iothread/ });
  await expect(attempt("disk0", ["/nowhere"])).rejects.toMatchObject({ code: "SOURCE_NOT_ALLOWED" });
  const two = [
    request(vm, "ro0", { backupId: "b1" }),
    request({ ...vm, socket: "/other" }, "disk0", { backupId: "b2" }),
  ];
  await expect(freezeQmp(two, context())).rejects.toMatchObject({ code: "BAD_REQUEST", message: /socket/ });
  await writeFile(join(folder, "dead"), "");
  await expect(
    freezeQmp([request({ ...vm, socket: join(folder, "dead") }, "x", { backupId: "b" })], context()),
  ).rejects.toMatchObject({
    code: "SOURCE_MISSING",
  });
  expect(await traces(vm)).toEqual([]);
});

test("a VM that runs an NBD server of its own keeps it", async () => {
  const vm = await boot(await makeDisk("disk0", "raw"));
  await vm.qmp.execute("nbd-server-start", { addr: { type: "unix", data: { path: join(folder, "own.sock") } } });
  await expect(freezeOne(vm, "disk0", { backupId: "b1" })).rejects.toMatchObject({ code: "BUSY" });
  expect(await traces(vm)).toEqual([]);
  const exported = { type: "nbd", id: "own", "node-name": "disk0", name: "own", writable: false };
  await expect(vm.qmp.execute("block-export-add", exported)).resolves.toBeDefined();
});
