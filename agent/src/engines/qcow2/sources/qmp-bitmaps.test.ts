import { expect, test } from "vitest";
import {
  BLOCK,
  dirtyBlocks,
  frozenBytes,
  MIB,
  openGuestBench,
  tracesIn,
} from "../../../../../test/helpers/guest-bench.ts";
import { judgeParent } from "./qmp-bitmaps.ts";

test("an increment's bitmap lists what changed between the two freezes", async () => {
  await using bench = await openGuestBench();
  const vm = await bench.boot(await bench.makeDisk("disk0", "raw"));
  await vm.write("disk0", 0, 4 * MIB, 0x11);
  const full = await bench.freezeOne("disk0", { backupId: "b1" });
  await vm.write("disk0", 3 * BLOCK, BLOCK, 0x22);
  await full.point.release("committed");
  await vm.write("disk0", 7 * BLOCK, 512, 0x33);
  const next = await bench.freezeOne("disk0", { backupId: "b2", parentId: "b1" });
  await vm.write("disk0", 9 * BLOCK, 512, 0x44);
  expect(await dirtyBlocks(next.source)).toEqual([3, 7]);
  expect((await frozenBytes(next.source))[9 * BLOCK]).toBe(0x11);
  await next.point.release("committed");
  expect(await tracesIn(vm)).toEqual(["holdfast-b2 records"]);
  const last = await bench.freezeOne("disk0", { backupId: "b3", parentId: "b2" });
  expect(await dirtyBlocks(last.source)).toEqual([9]);
  await last.point.release("committed");
});

test("a backup given up keeps the parent's bitmap complete", async () => {
  await using bench = await openGuestBench();
  const vm = await bench.boot(await bench.makeDisk("disk0", "raw"));
  await (await bench.freezeOne("disk0", { backupId: "b1" })).point.release("committed");
  await vm.write("disk0", BLOCK, 512, 1);
  const failed = await bench.freezeOne("disk0", { backupId: "b2", parentId: "b1" });
  await vm.write("disk0", 2 * BLOCK, 512, 2);
  expect(await failed.point.release("abandoned")).toEqual([]);
  expect(await tracesIn(vm)).toEqual(["holdfast-b1 records"]);
  await vm.write("disk0", 5 * BLOCK, 512, 3);
  const again = await bench.freezeOne("disk0", { backupId: "b3", parentId: "b1" });
  expect(await dirtyBlocks(again.source)).toEqual([1, 2, 5]);
  await again.point.release("abandoned");
});

test("a full that is given up leaves the chain before it its bitmap", async () => {
  await using bench = await openGuestBench();
  const vm = await bench.boot(await bench.makeDisk("disk0", "raw"));
  await (await bench.freezeOne("disk0", { backupId: "b1" })).point.release("committed");
  await vm.write("disk0", BLOCK, 512, 1);
  await (await bench.freezeOne("disk0", { backupId: "b2" })).point.release("abandoned");
  const next = await bench.freezeOne("disk0", { backupId: "b3", parentId: "b1" });
  expect(await dirtyBlocks(next.source)).toEqual([1]);
  await next.point.release("abandoned");
  await (await bench.freezeOne("disk0", { backupId: "b4" })).point.release("committed");
  expect(await tracesIn(vm)).toEqual(["holdfast-b4 records"]);
});

test("persistent bitmaps survive a clean restart; a crash is noticed", async () => {
  await using bench = await openGuestBench();
  const disk = await bench.makeDisk("disk0", "qcow2");
  let vm = await bench.boot(disk);
  await (await bench.freezeOne("disk0", { backupId: "b1", write_bitmap: true })).point.release("committed");
  await vm.write("disk0", BLOCK, 512, 1);
  await vm.quit();
  vm = await bench.boot(disk);
  const second = await bench.freezeOne("disk0", { backupId: "b2", parentId: "b1", write_bitmap: true });
  expect(await dirtyBlocks(second.source)).toEqual([1]);
  await second.point.release("committed");
  await vm.quit();
  vm = await bench.boot(disk);
  await vm.write("disk0", 2 * BLOCK, 512, 1);
  await vm.kill();
  vm = await bench.boot(disk);
  const third = await bench.freezeOne("disk0", { backupId: "b3", parentId: "b2", write_bitmap: true });
  expect(third.source.dirty).toEqual({ via: "none" });
  expect(third.source.dirtyReason).toMatch(/b2 is inconsistent: the VM crashed/);
  await third.point.release("committed");
  expect(await tracesIn(vm)).toEqual(["holdfast-b3 records"]);
  await vm.kill();
  vm = await bench.boot(disk);
  const fourth = await bench.freezeOne("disk0", { backupId: "b4", parentId: "b3" });
  expect(fourth.source.dirtyReason).toMatch(/b3 is gone: the VM was restarted, or crashed/);
  await fourth.point.release("abandoned");
});

test("bitmaps of others are left alone, and one of ours that somebody stopped is not believed", async () => {
  await using bench = await openGuestBench();
  const vm = await bench.boot(await bench.makeDisk("disk0", "raw"));
  await vm.qmp.execute("block-dirty-bitmap-add", { node: "disk0", name: "theirs" });
  await (await bench.freezeOne("disk0", { backupId: "b1" })).point.release("committed");
  await vm.qmp.execute("block-dirty-bitmap-disable", { node: "disk0", name: "holdfast-b1" });
  await vm.write("disk0", BLOCK, 512, 1);
  const next = await bench.freezeOne("disk0", { backupId: "b2", parentId: "b1" });
  expect(next.source.dirty).toEqual({ via: "none" });
  expect(next.source.dirtyReason).toMatch(/did not record every write/);
  await next.point.release("committed");
  expect((await tracesIn(vm)).sort()).toEqual(["holdfast-b2 records", "theirs records"]);
});

test.each([
  [{}, /trusted/],
  [{ inconsistent: true, recording: false }, /inconsistent/],
  [{ recording: false }, /switched it off/],
  [{ busy: true }, /in use/],
  [{ name: "holdfast-other" }, /gone/],
])("the parent's bitmap %j", (state, said) => {
  const bitmap = { name: "holdfast-p", recording: true, busy: false, persistent: false, ...state };
  expect(JSON.stringify(judgeParent([bitmap], "p"))).toMatch(said);
  expect(judgeParent([bitmap], null)).toMatchObject({ trusted: false });
});
