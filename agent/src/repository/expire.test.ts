import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { expireDisk, planDiskExpiry } from "./expire.ts";
import { diskFolder, lockPath } from "./layout.ts";
import { acquireLock } from "./lock.ts";
import { makeChains, temporaryRepository } from "./test-backups.ts";
import { DISK, day, idOf } from "./test-notation.ts";

const RETENTION = { retentionDays: 10, floor: { minPoints: 1, minAgeDays: 0 }, now: day(20) };
const TIP_FIRST = [idOf(2), idOf(1), idOf(4), idOf(3)];

test("what goes is what the plan said, and nothing of it is left", async () => {
  await using repository = await temporaryRepository();
  await makeChains(repository, "F1 i2 | F3 i4 | F15 i16");
  const folder = diskFolder(repository.path, DISK);
  const before = await readdir(folder);
  const plan = await planDiskExpiry(repository, DISK, RETENTION);
  expect(await readdir(folder)).toEqual(before);
  const steps: string[] = [];
  const result = await expireDisk(repository, DISK, RETENTION, {
    onStep: ({ backupId, step }) => step === "removed" && steps.push(backupId),
  });
  expect(result).toEqual({ plan, removed: TIP_FIRST, findings: [] });
  expect(steps).toEqual(TIP_FIRST);
  const left = (await readdir(folder)).filter((name) => TIP_FIRST.some((id) => name.startsWith(id)));
  expect(left).toEqual([]);
  expect(await expireDisk(repository, DISK, RETENTION)).toMatchObject({ removed: [], findings: [] });
});

test("what a kill had left is removed by the next one, which says so", async () => {
  await using repository = await temporaryRepository();
  await makeChains(repository, "F1 i2 | F3 i4 | F15 i16");
  const cut = new Error("cut off");
  const onStep = ({ backupId }: { backupId: string }): void => {
    if (backupId === idOf(1)) throw cut;
  };
  const first = await expireDisk(repository, DISK, RETENTION, { onStep });
  expect(first.findings).toMatchObject([{ code: "REMOVAL_FAILED" }]);
  const second = await expireDisk(repository, DISK, RETENTION);
  expect(new Set([...first.removed, ...second.removed, idOf(1)])).toEqual(new Set(TIP_FIRST));
  const left = await readdir(diskFolder(repository.path, DISK));
  expect(left.filter((name) => TIP_FIRST.some((id) => name.startsWith(id)))).toEqual([]);
});

test("nothing goes while a job holds the disk, and a disk without backups is fine", async () => {
  await using repository = await temporaryRepository();
  expect(await expireDisk(repository, DISK, RETENTION)).toMatchObject({ removed: [], plan: { chains: [] } });
  await makeChains(repository, "F1 i2 | F15");
  const lock = await acquireLock(lockPath(diskFolder(repository.path, DISK)), "a backup");
  await expect(expireDisk(repository, DISK, RETENTION)).rejects.toMatchObject({ code: "BUSY" });
  lock.release();
  expect(await expireDisk(repository, DISK, RETENTION)).toMatchObject({ removed: [idOf(2), idOf(1)] });
});
