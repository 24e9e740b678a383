import { stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { type Guest, makeBusyBoot } from "../../../../../test/helpers/guest.ts";
import {
  BLOCK,
  dirtyBlocks,
  frozenBytes,
  type GuestBench,
  openFrozen,
  openGuestBench,
} from "../../../../../test/helpers/guest-bench.ts";
import type { FrozenPoint, OpenSource } from "../source.ts";
import { freezeQmp } from "./qmp.ts";

const RECORD = 4096;
const RECORDS = 1024;
const FREEZES = 3;

/** The highest count on the disk; every record must be what that count implies, else the disk is torn or mixed in time. */
function countOn(disk: Buffer): number {
  const counts = Array.from({ length: RECORDS }, (_, index) => disk.readUInt32LE(index * RECORD));
  const ends = counts.map((_, index) => disk.readUInt32LE((index + 1) * RECORD - 4));
  const highest = Math.max(...counts);
  const due = counts.map((_, index) => Math.max(0, highest - ((((highest - index) % RECORDS) + RECORDS) % RECORDS)));
  expect(counts).toEqual(due);
  expect(ends).toEqual(due);
  return highest;
}

/** Idle disks stand between the two in the request: frozen one after the other, the two would differ for certain. */
async function freezeBoth(bench: GuestBench, round: number, idle: readonly string[] = []): Promise<FrozenPoint> {
  const devices = ["disk0", ...idle, "disk1"];
  const requests = devices.map((device, diskId) =>
    bench.request(
      device,
      {
        backupId: `${device}-${round}`,
        ...(round > 0 && { parentId: `${device}-${round - 1}` }),
      },
      diskId,
    ),
  );
  const point = await freezeQmp(requests, bench.context());
  const sources = point.sources.filter(({ diskId }) => diskId === 0 || diskId === devices.length - 1);
  return { ...point, sources };
}

/** What an increment makes of the former content: only the dirty blocks are taken from the new one. */
function increment(former: Buffer, now: Buffer, dirty: readonly number[]): Buffer {
  const result = Buffer.from(former);
  for (const block of dirty) now.copy(result, block * BLOCK, block * BLOCK, (block + 1) * BLOCK);
  return result;
}

test("a guest that boots and never stops writing: one moment, and complete bitmaps", async () => {
  await using bench = await openGuestBench();
  const boot = join(bench.folder, "boot.img");
  await makeBusyBoot(boot);
  const disks = [await bench.makeDisk("disk0", "raw"), await bench.makeDisk("disk1", "qcow2")];
  const vm = await bench.bootWith({ boot, disks });
  const printed = async (): Promise<number> => (await stat(vm.serial).catch(() => ({ size: 0 }))).size;
  await vi.waitUntil(async () => (await printed()) > 1, { timeout: 30_000 });
  let former: Buffer[] = [];
  let last = 0;
  for (let round = 0; round < FREEZES; round++) {
    const point = await freezeBoth(bench, round);
    const now = await Promise.all(point.sources.map(frozenBytes));
    const [first = 0, second = 0] = now.map(countOn);
    expect([first, first - 1]).toContain(second);
    expect(first).toBeGreaterThan(last);
    last = first;
    const progress = await printed();
    await vi.waitUntil(async () => (await printed()) > progress + 1, { timeout: 30_000 });
    const again = await Promise.all(point.sources.map(frozenBytes));
    for (const [index, source] of point.sources.entries()) {
      const content = now[index] ?? Buffer.alloc(0);
      expect(content.equals(again[index] ?? Buffer.alloc(0))).toBe(true);
      const base = former[index];
      if (base) expect(increment(base, content, await dirtyBlocks(source)).equals(content)).toBe(true);
      await source.confirm();
    }
    expect(await point.release("committed")).toEqual([]);
    former = now;
  }
  expect(bench.warnings).toEqual([]);
  expect(await vm.qmp.execute("query-status")).toMatchObject({ running: true });
});

/** Each write goes to a block of its own, so that no later write can make up for one that a bitmap missed. */
const BLOCKS = 16_384;
/** Fewer than QEMU's limit of commands that wait. */
const IN_FLIGHT = 6;

/** Writes block after block, first on disk0, then the same on disk1, as fast as a second monitor takes it. */
function pump(vm: Guest): { stop: () => Promise<void> } {
  let stopped = false;
  const send = async (disk: string, block: number): Promise<void> => {
    const line = `qemu-io -d /machine/peripheral/${disk}-dev/virtio-backend "write -P 1 ${block * BLOCK} 512"`;
    expect(await vm.qmp.execute("human-monitor-command", { "command-line": line })).not.toMatch(/fail|error/i);
  };
  const work = (async () => {
    const waiting: Promise<void>[] = [];
    for (let block = 0; block < BLOCKS && !stopped; block++) {
      waiting.push(send("disk0", block), send("disk1", block));
      if (waiting.length >= IN_FLIGHT) await Promise.all(waiting.splice(0, 2));
    }
    await Promise.all(waiting);
  })();
  return {
    stop: async () => {
      stopped = true;
      await work;
    },
  };
}

/** How many blocks were written; they follow on each other from the first. */
async function blocksOn(source: OpenSource): Promise<number> {
  await using reader = await openFrozen(source);
  const isWritten = async (block: number): Promise<boolean> => (await reader.read(block * BLOCK, 1))[0] === 1;
  let count = 0;
  while (await isWritten(count)) count++;
  for (let beyond = count; beyond < Math.min(count + 50, BLOCKS); beyond++) expect(await isWritten(beyond)).toBe(false);
  return count;
}

test("writes that squeeze in between any two commands are on both disks or on neither, and in a bitmap", async () => {
  await using bench = await openGuestBench();
  const size = BLOCKS * BLOCK;
  const disks = [await bench.makeDisk("disk0", "raw", {}, size), await bench.makeDisk("disk1", "qcow2", {}, size)];
  const idle = ["idle0", "idle1", "idle2", "idle3"];
  for (const id of idle) disks.push(await bench.makeDisk(id, "raw"));
  const vm = await bench.boot(...disks);
  const pumping = pump(vm);
  const last = [0, 0];
  for (let round = 0; round < 3; round++) {
    const point = await freezeBoth(bench, round, idle);
    const now = await Promise.all(point.sources.map(blocksOn));
    const [first = 0, second = 0] = now;
    expect([first, first - 1]).toContain(second);
    expect(first).toBeGreaterThan(last[0] ?? 0);
    for (const [index, source] of point.sources.entries()) {
      const dirty = round === 0 ? null : new Set(await dirtyBlocks(source));
      for (let block = last[index] ?? 0; dirty && block < (now[index] ?? 0); block++)
        expect(dirty.has(block)).toBe(true);
      last[index] = now[index] ?? 0;
    }
    expect(await point.release("committed")).toEqual([]);
  }
  await pumping.stop();
  expect(last[0]).toBeLessThan(BLOCKS);
  expect(bench.warnings).toEqual([]);
});
