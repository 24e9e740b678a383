import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import {
  BLOCK,
  dirtyBlocks,
  frozenBytes,
  MIB,
  openGuestBench,
  tracesIn,
} from "../../../../../test/helpers/guest-bench.ts";
import { killBackup } from "../../../../../test/helpers/guest-kill.ts";

test("what a killed backup left is removed by the next one, and the parent's bitmap has no gap", async () => {
  await using bench = await openGuestBench();
  const vm = await bench.boot(await bench.makeDisk("disk0", "raw"));
  await (await bench.freezeOne("disk0", { backupId: "b1" })).point.release("committed");
  await vm.write("disk0", 0, 2 * MIB, 0x11);
  const killed = [bench.request("disk0", { backupId: "b2", parentId: "b1" })];
  await killBackup([bench.folder], killed, "frozen");
  expect(await tracesIn(vm)).toEqual(
    expect.arrayContaining([expect.stringMatching(/-gate$/), expect.stringMatching(/-view$/)]),
  );
  await vm.write("disk0", 60 * BLOCK, 512, 0x22);
  const next = await bench.freezeOne("disk0", { backupId: "b3", parentId: "b1" });
  expect(await dirtyBlocks(next.source)).toEqual([...Array(32).keys(), 60]);
  expect((await frozenBytes(next.source))[60 * BLOCK]).toBe(0x22);
  await next.point.release("committed");
  expect(await tracesIn(vm)).toEqual(["holdfast-b3 records"]);
  expect(await readdir(bench.fleeceFolder)).toEqual([]);
  expect(bench.warnings).toEqual([]);
});

test("killed after its backup was committed, it left a bitmap that the next increment can use", async () => {
  await using bench = await openGuestBench();
  const vm = await bench.boot(await bench.makeDisk("disk0", "raw"));
  await (await bench.freezeOne("disk0", { backupId: "b1" })).point.release("committed");
  await vm.write("disk0", BLOCK, 512, 0x11);
  await killBackup([bench.folder], [bench.request("disk0", { backupId: "b2", parentId: "b1" })], "frozen");
  await vm.write("disk0", 4 * BLOCK, 512, 0x22);
  const next = await bench.freezeOne("disk0", { backupId: "b3", parentId: "b2" });
  expect(await dirtyBlocks(next.source)).toEqual([4]);
  await next.point.release("committed");
  expect(await tracesIn(vm)).toEqual(["holdfast-b3 records"]);
});

/** The whole freeze takes about 100 ms: these fall into its beginning, its middle and its end. */
const MOMENTS_MS = [5, 15, 25, 35, 45, 60, 80, 100, 130];

test("killed at any moment of the freeze, the guest writes on and nothing is lost", async () => {
  await using bench = await openGuestBench();
  const disks = [await bench.makeDisk("disk0", "raw"), await bench.makeDisk("disk1", "qcow2")];
  const vm = await bench.boot(...disks);
  await (await bench.freezeOne("disk0", { backupId: "b1" })).point.release("committed");
  for (const [round, moment] of MOMENTS_MS.entries()) {
    const wish = { backupId: `k${round}`, parentId: "b1" };
    const both = [bench.request("disk0", wish), bench.request("disk1", { backupId: `l${round}` }, 1)];
    const killing = killBackup([bench.folder], both, moment);
    for (let at = 0; at < 4; at++) await vm.write("disk0", (4 * round + at) * BLOCK, 512, round + 1);
    await killing;
    await vm.write("disk1", 0, BLOCK, round + 1);
  }
  const last = await bench.freezeOne("disk0", { backupId: "b2", parentId: "b1" });
  expect(await dirtyBlocks(last.source)).toEqual([...Array(4 * MOMENTS_MS.length).keys()]);
  const bytes = await frozenBytes(last.source);
  for (const round of MOMENTS_MS.keys()) expect(bytes[4 * round * BLOCK]).toBe(round + 1);
  await last.point.release("committed");
  await (await bench.freezeOne("disk1", { backupId: "m1" })).point.release("committed");
  expect((await tracesIn(vm)).sort()).toEqual(["holdfast-b2 records", "holdfast-m1 records"]);
  expect(await readdir(bench.fleeceFolder)).toEqual([]);
});
