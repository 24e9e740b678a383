/** A machine that never stops writing, through its whole life with backups: fulls, increments, a crash, increments. */

import { mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { SourceSpec } from "@holdfast/protocol";
import { expect, test, vi } from "vitest";
import { drillBytes } from "../../agent/src/drills/bytes.ts";
import { readDisk } from "../../agent/src/repository/catalogue.ts";
import { diskFolder } from "../../agent/src/repository/layout.ts";
import { verifyBackup } from "../../agent/src/verifiers/verify.ts";
import type { Sidecar } from "../../protocol/src/index.ts";
import { type Bench, openBench, restoreByQemuImg } from "../helpers/engine.ts";
import { readFrozenDisks } from "../helpers/frozen-disks.ts";
import { type Guest, makeBusyBoot } from "../helpers/guest.ts";
import { type GuestBench, MIB, openGuestBench } from "../helpers/guest-bench.ts";

const SIZE = 32 * MIB;
/** Where the guest writes without end: one record after the other, first on the one disk, then on the other. */
const BUSY = 4 * MIB;
const RECORD = 4096;
const QUIET = { offset: 16 * MIB, length: 8 * MIB };

/** `held`: what each disk held at the moment of the backup. */
type Point = { backups: Sidecar[]; held: string[] };

async function backUp(bench: Bench, vms: GuestBench, name: string): Promise<Point> {
  const place = { kind: "qmp", socket: join(vms.folder, "qmp.sock"), fleece_folder: vms.fleeceFolder } as const;
  const disks: SourceSpec[] = [
    { ...place, device: "disk0", write_bitmap: false },
    { ...place, device: "disk1", write_bitmap: true },
  ];
  let held: string[] = [];
  const onProgress = (): void => {
    if (held.length === 0) held = readFrozenDisks(vms.fleeceFolder, 2, join(bench.folder, name));
  };
  const { backups, warnings } = await bench.backup({ disks }, { roots: [vms.folder], onProgress });
  expect(warnings).toEqual([]);
  expect(backups).toHaveLength(2);
  expect(new Set(backups.map((backup) => backup.restore_point_id)).size).toBe(1);
  return { backups, held };
}

/** Waits until the guest has gone round: it prints as it writes. */
async function writesOn(vm: Guest): Promise<void> {
  const printed = async (): Promise<number> => (await stat(vm.serial).catch(() => ({ size: 0 }))).size;
  const before = await printed();
  await vi.waitUntil(async () => (await printed()) > before + 1, { timeout: 30_000 });
}

/** The number that the guest counted up to on this disk. */
async function countOn(path: string): Promise<number> {
  const disk = await readFile(path);
  return Math.max(...Array.from({ length: BUSY / RECORD }, (_, index) => disk.readUInt32LE(index * RECORD)));
}

async function expectProven(bench: Bench, backup: Sidecar): Promise<void> {
  const disk = await readDisk(bench.repository, { vmContextId: "vm-1", diskId: backup.disk_id });
  const scratchFolder = join(bench.folder, "scratch");
  await mkdir(scratchFolder, { recursive: true });
  const limits = { keys: null, scratchFolder, maxScratchBytes: SIZE, timeoutMs: 60_000 };
  expect(await verifyBackup(disk, backup.backup_id, { keys: null })).toMatchObject({ status: "passed" });
  expect(await drillBytes(disk, backup.backup_id, limits)).toMatchObject({ status: "passed" });
}

/** Every block that the guest can have changed, and not a quarter of what there is. */
function expectIncrement({ backups }: Point, method: "dirty-bitmap" | "hash-map", reasons: RegExp[]): void {
  for (const [index, backup] of backups.entries()) {
    expect(backup).toMatchObject({ backup_type: "incremental", change_detection: { method } });
    expect(backup.change_detection.reason).toMatch(reasons[index] ?? /^$/);
    expect(backup.bytes_transferred).toBeGreaterThanOrEqual(MIB);
    expect(backup.bytes_transferred).toBeLessThanOrEqual(BUSY);
  }
}

/** Both disks are of one moment: what the guest had counted up to is on the other too, or is its very next write. */
async function expectOneMoment(points: readonly Point[]): Promise<void> {
  let last = 0;
  for (const { held } of points) {
    const [one = 0, other = 0] = await Promise.all(held.map(countOn));
    expect([one, one - 1]).toContain(other);
    expect(one).toBeGreaterThan(last);
    last = one;
  }
}

async function expectRestorable(bench: Bench, { backups, held }: Point): Promise<void> {
  for (const [index, backup] of backups.entries()) {
    const folder = diskFolder(bench.repository.path, { vmContextId: "vm-1", diskId: backup.disk_id });
    const restored = await restoreByQemuImg(folder, backup);
    expect(restored.equals(await readFile(held[index] ?? ""))).toBe(true);
    await expectProven(bench, backup);
  }
}

test("a machine that writes on: full, increments by bitmap, a crash that is noticed, and by bitmap again", async () => {
  await using vms = await openGuestBench();
  await using bench = await openBench();
  const boot = join(vms.folder, "boot.img");
  await makeBusyBoot(boot);
  const disks = [await vms.makeDisk("disk0", "raw", {}, SIZE), await vms.makeDisk("disk1", "qcow2", {}, SIZE)];
  const start = async (): Promise<Guest> => {
    const vm = await vms.bootWith({ boot, disks });
    await writesOn(vm);
    return vm;
  };
  const points: Point[] = [];
  const next = async (vm: Guest): Promise<Point> => {
    // The guest's own records may come to be what they were, after it began anew.
    for (const { id } of disks) await vm.write(id, QUIET.offset + points.length * MIB, MIB, 0x60 + points.length);
    const point = await backUp(bench, vms, `held-${points.length}`);
    points.push(point);
    await writesOn(vm);
    return point;
  };
  const byBitmap = [/recorded every write/, /recorded every write/];

  const first = await start();
  for (const { id } of disks) await first.write(id, QUIET.offset, QUIET.length, 0x55);
  for (const backup of (await next(first)).backups) {
    expect(backup).toMatchObject({ backup_type: "full", change_detection: { method: "all-data" } });
    expect(backup.bytes_transferred).toBeGreaterThanOrEqual(QUIET.length);
  }
  expectIncrement(await next(first), "dirty-bitmap", byBitmap);
  expectIncrement(await next(first), "dirty-bitmap", byBitmap);
  await expectOneMoment(points);

  // The only trace of this is in the bitmap that is lost.
  for (const { id } of disks) await first.write(id, QUIET.offset + QUIET.length, MIB, 0x77);
  await first.kill();
  const second = await start();
  // Also of the disk whose bitmap is kept in its image: that is written there at an orderly end only.
  expectIncrement(await next(second), "hash-map", [/is gone: .*crashed/, /is gone: .*crashed/]);
  expectIncrement(await next(second), "dirty-bitmap", byBitmap);
  await second.kill();

  for (const point of points) await expectRestorable(bench, point);
});
