import { stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { makeBusyBoot } from "../../../../../test/helpers/guest.ts";
import {
  BLOCK,
  dirtyBlocks,
  frozenBytes,
  type GuestBench,
  openGuestBench,
} from "../../../../../test/helpers/guest-bench.ts";
import type { FrozenPoint } from "../source.ts";
import { freezeQmp } from "./qmp.ts";

const RECORD = 4096;
const RECORDS = 1024;
const FREEZES = 4;

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

async function freezeBoth(bench: GuestBench, round: number): Promise<FrozenPoint> {
  const parent = round === 0 ? {} : { parentId: `a${round - 1}` };
  const parentB = round === 0 ? {} : { parentId: `b${round - 1}` };
  const first = bench.request("disk0", { backupId: `a${round}`, ...parent });
  const second = bench.request("disk1", { backupId: `b${round}`, ...parentB }, 1);
  return await freezeQmp([first, second], bench.context());
}

/** What an increment makes of the former content: only the dirty blocks are taken from the new one. */
function increment(former: Buffer, now: Buffer, dirty: readonly number[]): Buffer {
  const result = Buffer.from(former);
  for (const block of dirty) now.copy(result, block * BLOCK, block * BLOCK, (block + 1) * BLOCK);
  return result;
}

test.each(["raw", "qcow2"] as const)(
  "a busy guest with two %s disks: one moment, and complete bitmaps",
  async (format) => {
    await using bench = await openGuestBench();
    const boot = join(bench.folder, "boot.img");
    await makeBusyBoot(boot);
    const disks = [await bench.makeDisk("disk0", format), await bench.makeDisk("disk1", format)];
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
  },
);
