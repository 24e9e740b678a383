import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import * as model from "../../../test/helpers/model-disk.ts";
import { scratchFolder, startNbdkit, startQemuExport } from "../../../test/helpers/nbd-servers.ts";
import { connectNbd } from "../nbd/client.ts";
import type { NbdEndpoint } from "../nbd/endpoint.ts";
import { BASE_ALLOCATION, isData, statusRuns } from "../nbd/extents.ts";
import { scanDisk } from "./scan.ts";
import { BLOCK_SIZE, SEGMENT_BYTES } from "./segment.ts";

const DISK = 2 * SEGMENT_BYTES + 3 * 512;
const BLOCKS = new Map([0, 1, 17, 18, 500, 1023, 1024, 2048].map((at): [number, number] => [at, at % 7]));

const threads: Worker[] = [];
process.on("worker", (worker) => threads.push(worker));

async function* dataOf(endpoint: NbdEndpoint) {
  const client = await connectNbd(endpoint, { contexts: [BASE_ALLOCATION] });
  try {
    for await (const run of statusRuns(client, BASE_ALLOCATION)) if (isData(run.flags)) yield run;
  } finally {
    await client.close();
  }
}

const everything = (diskSize: number) => model.stream([{ offset: 0, length: diskSize }]);

test("a scan through qemu-storage-daemon's NBD export equals the naive hash", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.raw");
  await model.writeModelDisk(path, BLOCKS, DISK);
  const node = `driver=raw,node-name=disk,read-only=on,file.driver=file,file.filename=${path}`;
  await using server = await startQemuExport(["--blockdev", node]);
  const { endpoint } = server;
  for (const data of [dataOf(endpoint), everything(DISK)]) {
    const scanned = await model.collect(scanDisk({ diskSize: DISK, reader: { kind: "nbd", endpoint }, data }));
    expect(model.fromSegments(scanned.map(({ actual }) => actual))).toEqual(model.naiveDigests(BLOCKS, DISK));
  }
});

test("the little that a bitmap names is hashed without a thread, and so is no more than that", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.raw");
  await model.writeModelDisk(path, BLOCKS, DISK);
  await using server = await startQemuExport(["--blockdev", `driver=file,node-name=disk,filename=${path}`]);
  const reader = { kind: "nbd", endpoint: server.endpoint } as const;
  const scan = async (blocks: readonly number[]) => {
    const before = threads.length;
    const candidates = model.stream(blocks.map((at) => ({ offset: at * BLOCK_SIZE, length: BLOCK_SIZE })));
    const found = await model.collect(
      scanDisk({ diskSize: DISK, reader, data: everything(DISK), candidates, workers: 9 }),
    );
    return { digests: model.fromSegments(found.map(({ actual }) => actual)), started: threads.length - before };
  };
  const few = [0, 2, 17, 1024, 2048];
  const held = new Map([...model.naiveDigests(BLOCKS, DISK)].filter(([at]) => few.includes(at)));
  expect(await scan(few)).toEqual({ digests: held, started: 0 });
  const all = await scan([...Array(2049).keys()]);
  expect(all.digests).toEqual(model.naiveDigests(BLOCKS, DISK));
  expect(all.started).toBeGreaterThan(0);
});

test("an export smaller than the disk, and one that is not there", async () => {
  await using server = await startNbdkit(["-r", "memory", String(SEGMENT_BYTES)]);
  const { endpoint } = server;
  const scan = (diskSize: number, reader: NbdEndpoint) =>
    model.collect(scanDisk({ diskSize, reader: { kind: "nbd", endpoint: reader }, data: everything(diskSize) }));
  await expect(scan(DISK, endpoint)).rejects.toMatchObject({ code: "SOURCE_CHANGED" });
  await expect(scan(DISK, { ...endpoint, socket: `${endpoint.socket}.none` })).rejects.toMatchObject({
    code: "NBD_REFUSED",
  });
  expect(await scan(SEGMENT_BYTES, endpoint)).toEqual([]);
});

test("a server's read error fails the scan, whichever thread reads", async () => {
  for (const candidates of [undefined, everything(DISK)]) {
    // A server for each: nbdkit 1.32 now and then ends when several clients leave it in the middle of their replies.
    await using server = await startNbdkit(["-r", "--filter=error", "pattern", String(DISK), "error-pread-rate=100%"]);
    const reader = { kind: "nbd", endpoint: server.endpoint } as const;
    const scan = scanDisk({ diskSize: DISK, reader, data: everything(DISK), candidates });
    await expect(model.collect(scan)).rejects.toMatchObject({ code: "IO_ERROR" });
  }
});

test("a thread that dies while it reads fails its scan", async () => {
  await using server = await startNbdkit(["-r", "--filter=delay", "pattern", String(DISK), "rdelay=60"]);
  const data = everything(DISK);
  const scan = scanDisk({ diskSize: DISK, reader: { kind: "nbd", endpoint: server.endpoint }, data, workers: 1 });
  setTimeout(() => Promise.all(threads.map((thread) => thread.terminate())), 200);
  await expect(model.collect(scan)).rejects.toMatchObject({ code: "INTERNAL" });
});

test.each([
  { while: "reading", delay: "rdelay=60" },
  { while: "connecting", delay: "delay-open=60" },
])("abort does not wait for a server that hangs while $while", async ({ delay }) => {
  const some = { offset: 0, length: BLOCK_SIZE * 100 };
  for (const candidates of [undefined, model.stream([some])]) {
    // A server for each: nbdkit 1.32 may fail its own assertion when a client leaves in the middle of a delayed reply.
    await using server = await startNbdkit(["-r", "--filter=delay", "pattern", String(DISK), delay]);
    const abort = new AbortController();
    const started = performance.now();
    setTimeout(() => abort.abort(), 200);
    const scan = scanDisk({
      diskSize: DISK,
      reader: { kind: "nbd", endpoint: server.endpoint },
      data: everything(BLOCK_SIZE * 100),
      candidates,
      signal: abort.signal,
    });
    await expect(model.collect(scan)).rejects.toMatchObject({ code: "CANCELLED" });
    expect(performance.now() - started).toBeLessThan(2_500);
  }
});
