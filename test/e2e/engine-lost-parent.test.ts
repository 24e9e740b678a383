import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { flipBit } from "../helpers/damage-backups.ts";
import { makeRawDisk, noise, sha256, writeAt } from "../helpers/disks.ts";
import { only, openBench, restoreByQemuImg } from "../helpers/engine.ts";

const MIB = 2 ** 20;
const zstd = { compression: "zstd", key: null } as const;

/** Compressed clusters that no reader can unpack, as a dying medium leaves them; the tables before them stay. */
async function spoilData(image: string): Promise<void> {
  const bytes = await readFile(image);
  bytes.fill(0xff, 6 * 65_536, bytes.length - 65_536);
  await writeFile(image, bytes);
}

it("a full is made when neither the parent's hash map nor its data can be read", async () => {
  await using bench = await openBench();
  const disk = join(bench.disks, "disk.raw");
  await makeRawDisk(disk, 4 * MIB, { 0: noise(4 * MIB, 1) });
  const parent = only(await bench.backup({ image: zstd }));
  await flipBit(join(bench.diskFolder, parent.hash_map.file_name), 100);
  await spoilData(join(bench.diskFolder, parent.file_name));
  const before = (await stat(join(bench.diskFolder, parent.file_name))).mtimeMs;
  await writeAt(disk, MIB, noise(100, 2));

  const full = only(await bench.backup({ image: zstd, type: "incremental" }));
  expect(full).toMatchObject({ backup_type: "full", parent_backup_id: null, change_detection: { method: "all-data" } });
  expect(full.reason).toMatch(
    /is not usable as a parent: the hash map of .* cannot be used .*, and its content cannot be read/,
  );
  expect(sha256(await restoreByQemuImg(bench.diskFolder, full))).toBe(sha256(await readFile(disk)));
  expect((await stat(join(bench.diskFolder, parent.file_name))).mtimeMs).toBe(before);

  expect(only(await bench.backup({ image: zstd }))).toMatchObject({ parent_backup_id: full.backup_id });
});
