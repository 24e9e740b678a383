import { readdir, readlink, truncate } from "node:fs/promises";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { stream, writeModelDisk } from "../../../test/helpers/model-disk.ts";
import { scratchFolder } from "../../../test/helpers/nbd-servers.ts";
import type { Range } from "./ranges.ts";
import { scanDisk } from "./scan.ts";
import { BLOCK_SIZE, SEGMENT_BYTES } from "./segment.ts";

const SEGMENTS = 6;
const DISK = SEGMENTS * SEGMENT_BYTES;
const EVERYTHING: Range[] = [{ offset: 0, length: DISK }];

async function sparseDisk(folder: string): Promise<string> {
  const path = join(folder, "disk.raw");
  const blocks = Array.from({ length: SEGMENTS * 4 }, (_, at): [number, number] => [at * 256, 1]);
  await writeModelDisk(path, new Map(blocks), DISK);
  return path;
}

function scanFile(path: string, more: { signal?: AbortSignal; speedLimit?: number; data?: AsyncIterable<Range> } = {}) {
  return scanDisk({ diskSize: DISK, reader: { kind: "file", path }, data: stream(EVERYTHING), workers: 2, ...more });
}

/** Threads share the process's descriptors, so a worker's open file is seen here. */
async function openedTimes(path: string): Promise<number> {
  const links = await Promise.all(
    (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")),
  );
  return links.filter((link) => link === path).length;
}

/** Every thread that this process started. */
const threads: Worker[] = [];
process.on("worker", (worker) => threads.push(worker));

async function drain(scan: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of scan) count += 1;
  return count;
}

test("a source that shrinks while it is read is named as such, with where it ends", async () => {
  await using folder = await scratchFolder();
  const path = await sparseDisk(folder.path);
  const scan = scanFile(path, { speedLimit: 400e6 });
  expect((await scan.next()).value).toMatchObject({ index: 0 });
  const end = DISK - SEGMENT_BYTES + 5 * BLOCK_SIZE + 100;
  await truncate(path, end);
  await expect(drain(scan)).rejects.toMatchObject({
    code: "SOURCE_CHANGED",
    message: expect.stringMatching(`shrank while it was read.* ${end}$`),
  });
  expect(await openedTimes(path)).toBe(0);
});

test("a read error names the offset", async () => {
  // The first page of a process's memory is never mapped: the kernel answers EIO.
  await expect(drain(scanFile("/proc/self/mem"))).rejects.toMatchObject({
    code: "IO_ERROR",
    message: expect.stringContaining("/proc/self/mem failed at byte 0"),
    details: expect.stringContaining("EIO"),
  });
});

test("a source that is not there", async () => {
  await expect(drain(scanFile("/nowhere/disk.raw"))).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("abort ends a scan at once, however slow, and lets go of the source", async () => {
  await using folder = await scratchFolder();
  const path = await sparseDisk(folder.path);
  const abort = new AbortController();
  const scan = scanFile(path, { signal: abort.signal, speedLimit: 1e6 });
  const started = performance.now();
  setTimeout(() => abort.abort(), 150);
  await expect(drain(scan)).rejects.toMatchObject({ code: "CANCELLED" });
  expect(performance.now() - started).toBeLessThan(2_000);
  expect(await openedTimes(path)).toBe(0);
  await expect(drain(scanFile(path, { signal: abort.signal }))).rejects.toMatchObject({ code: "CANCELLED" });
});

test("ending the iteration early closes the source and the caller's streams, and the threads serve the next scan", async () => {
  await using folder = await scratchFolder();
  const path = await sparseDisk(folder.path);
  let closed = false;
  async function* data() {
    try {
      yield* EVERYTHING;
    } finally {
      closed = true;
    }
  }
  for await (const _ of scanFile(path, { data: data() })) {
    expect(await openedTimes(path)).toBeGreaterThan(0);
    break;
  }
  expect(closed).toBe(true);
  expect(await openedTimes(path)).toBe(0);
  const before = threads.length;
  expect(await drain(scanFile(path))).toBe(SEGMENTS);
  expect(threads.length).toBe(before);
});

test("a scan with nothing to read starts no thread", async () => {
  const before = threads.length;
  const scan = scanDisk({ diskSize: DISK, reader: { kind: "file", path: "/nowhere" }, data: stream([]), workers: 9 });
  expect(await drain(scan)).toBe(0);
  expect(threads.length).toBe(before);
});

test("a failure of the caller's stream ends the scan and closes the source", async () => {
  await using folder = await scratchFolder();
  const path = await sparseDisk(folder.path);
  async function* data() {
    yield { offset: 0, length: SEGMENT_BYTES };
    throw new Error("block status failed");
  }
  await expect(drain(scanFile(path, { data: data() }))).rejects.toThrow("block status failed");
  expect(await openedTimes(path)).toBe(0);
});

test("a thread that dies fails its scan, and the next one gets a new thread", async () => {
  await using folder = await scratchFolder();
  const path = await sparseDisk(folder.path);
  const scan = scanFile(path, { speedLimit: 300e6 });
  expect((await scan.next()).value).toMatchObject({ index: 0 });
  const before = threads.length;
  await Promise.all(threads.map((thread) => thread.terminate()));
  await expect(drain(scan)).rejects.toMatchObject({ code: "INTERNAL", message: expect.stringContaining("thread") });
  expect(await drain(scanFile(path))).toBe(SEGMENTS);
  expect(threads.length).toBeGreaterThan(before);
});

test("the speed limit holds, and comes in small steps", async () => {
  await using folder = await scratchFolder();
  const path = await sparseDisk(folder.path);
  const started = performance.now();
  expect(await drain(scanFile(path, { speedLimit: DISK }))).toBe(SEGMENTS);
  const seconds = (performance.now() - started) / 1000;
  expect(seconds).toBeGreaterThan(0.9);
  expect(seconds).toBeLessThan(3);
  await expect(drain(scanFile(path, { speedLimit: 0 }))).rejects.toMatchObject({ code: "BAD_REQUEST" });
});
