import { createHash } from "node:crypto";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scratchFolder, startNbdkit, startQemuExport } from "../../../test/helpers/nbd-servers.ts";
import { run } from "../exec.ts";
import { connectNbd, listMetaContexts, type NbdClient } from "./client.ts";
import { BASE_ALLOCATION, isData, statusRuns } from "./extents.ts";
import type { StatusRun } from "./status.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const BITMAP = "qemu:dirty-bitmap:changes";

async function readAll(client: NbdClient, step: number): Promise<Buffer> {
  const content = Buffer.alloc(client.size, 0xee);
  const reads: Promise<void>[] = [];
  for (let at = 0; at < client.size; at += step) reads.push(client.read(at, content.subarray(at, at + step)));
  await Promise.all(reads);
  return content;
}

async function collect(runs: AsyncGenerator<StatusRun>): Promise<StatusRun[]> {
  const all: StatusRun[] = [];
  for await (const part of runs) all.push(part);
  return all;
}

/** 3 MiB and one sector: data, a hole of 1 MiB, data. */
async function makeDisk(path: string): Promise<Buffer> {
  const content = Buffer.alloc(3 * MIB + 512);
  for (let at = 0; at < content.length; at += 32) {
    if (at < MIB || at >= 2 * MIB) createHash("sha256").update(String(at)).digest().copy(content, at);
  }
  await writeFile(path, content.subarray(0, MIB));
  await truncate(path, 2 * MIB);
  await writeFile(path, content.subarray(2 * MIB), { flag: "a" });
  return content;
}

test.each([
  ["structured replies", ["file"]],
  ["simple replies", ["--no-sr", "file"]],
  [
    "a server that takes aligned requests of at most 64 KiB only",
    [
      ...["--filter=blocksize-policy", "file", "blocksize-minimum=512", "blocksize-preferred=4096"],
      ...["blocksize-maximum=65536", "blocksize-error-policy=error"],
    ],
  ],
])("nbdkit's file plugin, %s: every way of cutting it up reads the same bytes", async (_, args) => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.raw");
  const content = await makeDisk(path);
  await using server = await startNbdkit(["-r", ...args, path]);
  const client = await connectNbd(server.endpoint);
  expect(client).toMatchObject({ size: content.length, readOnly: true });
  for (const step of [MIB, 100_001, 4 * MIB]) expect((await readAll(client, step)).equals(content)).toBe(true);
  const odd = Buffer.alloc(3);
  await client.read(1023, odd);
  expect(odd).toEqual(content.subarray(1023, 1026));
  await client.close();
  await expect(client.read(0, odd)).rejects.toMatchObject({ code: "CANCELLED" });
});

test("holes of a raw file in qemu-storage-daemon are told from data, also for an unaligned part", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.raw");
  await makeDisk(path);
  const node = `driver=raw,node-name=disk,file.driver=file,file.filename=${path}`;
  await using server = await startQemuExport(["--blockdev", node]);
  const client = await connectNbd(server.endpoint, { contexts: [BASE_ALLOCATION, "x:unknown"] });
  expect(client.contexts).toEqual([BASE_ALLOCATION]);
  const runs = await collect(statusRuns(client, BASE_ALLOCATION));
  expect(runs.map(({ offset, length, flags }) => [offset, length, isData(flags)])).toEqual([
    [0, MIB, true],
    [MIB, MIB, false],
    [2 * MIB, MIB + 512, true],
  ]);
  const part = await collect(statusRuns(client, BASE_ALLOCATION, { offset: MIB - 100, length: 300 }));
  expect(part.map(({ offset, length }) => [offset, length])).toEqual([
    [MIB - 100, 100],
    [MIB, 200],
  ]);
  await client.close();
});

test("zeroes written through one export mark a dirty bitmap, which is read through the same protocol", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.qcow2");
  await run("qemu-img", ["create", "-q", "-f", "qcow2", path, "64M"], { timeoutMs: 10_000 });
  await run("qemu-img", ["bitmap", "--add", path, "changes"], { timeoutMs: 10_000 });
  const node = `driver=qcow2,node-name=disk,discard=unmap,file.driver=file,file.filename=${path}`;
  {
    await using server = await startQemuExport(["--blockdev", node], ",writable=on");
    const client = await connectNbd(server.endpoint);
    expect(client.readOnly).toBe(false);
    await Promise.all([MIB, 2 * MIB, 9 * MIB].map((offset) => client.writeZeroes(offset, 64 * KIB)));
    await client.flush();
    await client.close();
  }
  await run("qemu-img", ["bitmap", "--disable", path, "changes"], { timeoutMs: 10_000 });
  await using server = await startQemuExport(["--blockdev", `${node},read-only=on`], ",bitmaps.0=changes");
  expect(await listMetaContexts(server.endpoint, "qemu:")).toEqual([BITMAP]);
  expect(await listMetaContexts(server.endpoint, "")).toContain(BASE_ALLOCATION);
  const client = await connectNbd(server.endpoint, { contexts: [BITMAP, BASE_ALLOCATION] });
  expect(client.contexts).toEqual(expect.arrayContaining([BITMAP, BASE_ALLOCATION]));
  const dirty = (await collect(statusRuns(client, BITMAP))).filter(({ flags }) => flags === 1);
  expect(dirty.map(({ offset, length }) => [offset, length])).toEqual(
    [MIB, 2 * MIB, 9 * MIB].map((offset) => [offset, 64 * KIB]),
  );
  await expect(client.writeZeroes(0, 512)).rejects.toMatchObject({ code: "NBD_REFUSED" });
  await client.close();
});

test("a sparse disk of 4 TiB is mapped without gaps, in few requests", async () => {
  await using server = await startNbdkit(["-r", "data", "@0x1000000000 1 @0x10000000000 1", "size=4T"]);
  const client = await connectNbd(server.endpoint, { contexts: [BASE_ALLOCATION] });
  const runs = await collect(statusRuns(client, BASE_ALLOCATION));
  expect(runs.filter(({ flags }) => isData(flags)).map(({ offset }) => offset)).toEqual([2 ** 36, 2 ** 40]);
  expect(runs.reduce((sum, { length }) => sum + length, 0)).toBe(client.size);
  await client.close();
});

test("ranges that do not exist are refused before anything is sent", async () => {
  await using server = await startNbdkit(["memory", "size=1M"]);
  const client = await connectNbd(server.endpoint);
  for (const offset of [-1, 0.5, MIB, Number.NaN, 2 ** 60]) {
    await expect(client.read(offset, Buffer.alloc(1))).rejects.toMatchObject({ code: "BAD_REQUEST" });
    await expect(client.writeZeroes(offset, 1)).rejects.toMatchObject({ code: "BAD_REQUEST" });
  }
  await expect(client.blockStatus(BASE_ALLOCATION, 0, 512)).rejects.toMatchObject({ code: "BAD_REQUEST" });
  await client.read(MIB, Buffer.alloc(0));
  await client.close();
});

test("nbdkit's error filter: each failed read says so, and the others are right", async () => {
  await using folder = await scratchFolder();
  const trigger = join(folder.path, "trigger");
  const filter = ["--filter=error", "memory", "size=4M", "error=ENOSPC", "error-pread-rate=100%"];
  await using server = await startNbdkit([...filter, `error-file=${trigger}`]);
  const client = await connectNbd(server.endpoint);
  await client.read(0, Buffer.alloc(MIB));
  await writeFile(trigger, "");
  await expect(readAll(client, MIB)).rejects.toMatchObject({
    code: "NO_SPACE",
    message: expect.stringMatching(/ENOSPC/),
  });
  await client.close();
});

test("nbdkit's delay filter: a request that takes too long ends the connection with TIMEOUT", async () => {
  await using server = await startNbdkit(["--filter=delay", "memory", "size=1M", "rdelay=3"]);
  const client = await connectNbd(server.endpoint, { timeoutMs: 300 });
  await expect(client.read(0, Buffer.alloc(512))).rejects.toMatchObject({ code: "TIMEOUT" });
  await client.close();
});

test("a server that is killed midway, and one that is not there", async () => {
  await using server = await startNbdkit(["--filter=delay", "memory", "size=1M", "rdelay=30"]);
  const client = await connectNbd(server.endpoint);
  const reads = [0, 1, 2].map((index) => client.read(index * 512, Buffer.alloc(512)));
  process.kill(-server.pid, "SIGKILL");
  const reason = { code: "NBD_PROTOCOL", message: expect.stringContaining("closed the connection") };
  for (const outcome of await Promise.allSettled(reads)) expect(outcome).toMatchObject({ status: "rejected", reason });
  await client.close();
  const absent = connectNbd({ ...server.endpoint, socket: `${server.endpoint.socket}.absent` });
  await expect(absent).rejects.toMatchObject({ code: "NBD_REFUSED", details: expect.stringContaining("ENOENT") });
});

test("an export that is not there, and the oldstyle handshake", async () => {
  await using qemu = await startQemuExport(["--blockdev", "driver=null-co,node-name=disk,size=1048576"]);
  const absent = connectNbd({ ...qemu.endpoint, exportName: "other" });
  await expect(absent).rejects.toMatchObject({ code: "NBD_REFUSED", message: expect.stringMatching(/UNKNOWN/) });
  await using old = await startNbdkit(["--oldstyle", "memory", "size=1M"]);
  await expect(connectNbd(old.endpoint)).rejects.toMatchObject({
    code: "NBD_REFUSED",
    message: expect.stringMatching(/old style/),
  });
});

test("a bad sector behind QEMU is an I/O error of that read alone, and the connection goes on", async () => {
  const bad = "inject-error.0.event=none,inject-error.0.iotype=read,inject-error.0.sector=2048,inject-error.0.errno=5";
  const node = `driver=blkdebug,node-name=disk,${bad},image.driver=null-co,image.size=${4 * MIB},image.read-zeroes=on`;
  await using server = await startQemuExport(["--blockdev", node]);
  const client = await connectNbd(server.endpoint, { contexts: [BASE_ALLOCATION], unfragmentedReads: true });
  await expect(client.read(MIB, Buffer.alloc(64 * KIB))).rejects.toMatchObject({ code: "IO_ERROR" });
  await client.read(2 * MIB, Buffer.alloc(64 * KIB));
  await client.close();
});
