import { randomBytes } from "node:crypto";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createMapWriter, openMap } from "../../agent/src/blockmap/map-file.ts";
import { mapPath, sidecarPath } from "../../agent/src/repository/layout.ts";
import { writeSidecar } from "../../agent/src/repository/sidecar.ts";
import type { Sidecar } from "../../protocol/src/index.ts";
import { sha256 } from "../helpers/disks.ts";
import { type Bench, hashesInMap, only, openBench, restoreByQemuImg, testKey } from "../helpers/engine.ts";

const BLOCK = 65_536;
const DATA_BLOCKS = 200;
const SIZE = 80 * 2 ** 20 + 5_120;

/** A raw disk with data in its first blocks, and its bytes as they should be. */
async function makeDisk(bench: Bench): Promise<{ content: Buffer; write: (...blocks: number[]) => Promise<void> }> {
  const content = Buffer.alloc(SIZE);
  await using file = await open(join(bench.disks, "disk.raw"), "w");
  await file.truncate(SIZE);
  const write = async (...blocks: number[]) => {
    await using disk = await open(join(bench.disks, "disk.raw"), "r+");
    for (const block of blocks) {
      const fill = randomBytes(BLOCK);
      fill.copy(content, block * BLOCK);
      await disk.write(fill, 0, BLOCK, block * BLOCK);
    }
  };
  await write(...Array(DATA_BLOCKS).keys());
  return { content, write };
}

type Tags = { tagKey: string | null; tags: Map<number, string> };

async function tagsOf(bench: Bench, backup: Sidecar, key?: Uint8Array): Promise<Tags> {
  const map = await openMap(mapPath(bench.diskFolder, backup.backup_id), { key });
  try {
    const tags = new Map<number, string>();
    for await (const { index, present, tags: all = new Uint8Array() } of map.segments()) {
      let at = 0;
      for (let block = 0; block < 1024; block++) {
        if (((present[block >> 3] ?? 0) & (1 << (block & 7))) === 0) continue;
        tags.set(index * 1024 + block, Buffer.from(all.subarray(at, at + 16)).toString("hex"));
        at += 16;
      }
    }
    return { tagKey: map.tagKey && Buffer.from(map.tagKey).toString("hex"), tags };
  } finally {
    await map.close();
  }
}

function naiveHashes(content: Buffer): Map<number, string> {
  const blocks = Array.from({ length: Math.ceil(SIZE / BLOCK) }, (_, at) => at);
  const held = blocks.map((at): [number, Buffer] => [at, content.subarray(at * BLOCK, (at + 1) * BLOCK)]);
  return new Map(
    held.filter(([, bytes]) => bytes.some((byte) => byte !== 0)).map(([at, bytes]) => [at, sha256(bytes)]),
  );
}

function changed(before: Tags, after: Tags): number[] {
  return [...after.tags].filter(([block, tag]) => before.tags.get(block) !== tag).map(([block]) => block);
}

/** Each list of blocks is written before one more increment. */
test.each([
  ["plain", null, [[3, 4, 199], [4, 150, 1100], []]],
  ["encrypted", testKey, [[3, 4, 199]]],
])("%s: tags and their key go along a chain", async (_, key, writes) => {
  await using bench = await openBench();
  const disk = await makeDisk(bench);
  const image = { compression: "none", key } as const;
  const start = await tagsOf(bench, only(await bench.backup({ type: "full", image })), key?.mapKey);
  expect(start.tagKey).toMatch(/^[0-9a-f]{64}$/);
  expect(new Set(start.tags.values()).size).toBe(DATA_BLOCKS);
  let before = start;
  for (const blocks of writes) {
    await disk.write(...blocks);
    const increment = only(await bench.backup({ type: "incremental", image }));
    expect(increment).toMatchObject({ backup_type: "incremental", change_detection: { method: "hash-map" } });
    expect(increment.bytes_transferred).toBe(blocks.length * BLOCK);
    const after = await tagsOf(bench, increment, key?.mapKey);
    expect(after.tagKey).toBe(start.tagKey);
    expect(changed(before, after)).toEqual(blocks);
    expect(await hashesInMap(bench.diskFolder, increment, key ?? undefined)).toEqual(naiveHashes(disk.content));
    if (key === null) expect((await restoreByQemuImg(bench.diskFolder, increment)).equals(disk.content)).toBe(true);
    before = after;
  }
});

test("each full has a key of its own", async () => {
  await using bench = await openBench();
  await makeDisk(bench);
  const full = async () => await tagsOf(bench, only(await bench.backup({ type: "full" })));
  const [first, second] = [await full(), await full()];
  expect(second.tagKey).not.toBe(first.tagKey);
  expect(changed(first, second)).toHaveLength(DATA_BLOCKS);
});

/** Makes of a backup one from before there were tags. */
async function dropTags(bench: Bench, backup: Sidecar): Promise<void> {
  const path = mapPath(bench.diskFolder, backup.backup_id);
  const map = await openMap(path, {});
  const writer = await createMapWriter(`${path}.old`, { diskSize: SIZE });
  for await (const { index, present, digests } of map.segments()) await writer.append({ index, present, digests });
  await map.close();
  const { sha256: digest, sizeBytes } = await writer.finish();
  await rename(`${path}.old`, path);
  const { digest: _, ...body } = backup;
  const hash_map = { ...body.hash_map, sha256: digest, size_bytes: sizeBytes };
  await writeSidecar(sidecarPath(bench.diskFolder, backup.backup_id), { ...body, hash_map });
}

test("an increment on a map without tags finds the same changes, and the next one has tags", async () => {
  await using bench = await openBench();
  const disk = await makeDisk(bench);
  const full = only(await bench.backup({ type: "full" }));
  await dropTags(bench, full);
  expect((await tagsOf(bench, full)).tagKey).toBeNull();
  await disk.write(7, 100);
  const first = only(await bench.backup({ type: "incremental" }));
  expect(first).toMatchObject({ bytes_transferred: 2 * BLOCK, change_detection: { method: "hash-map" } });
  const tags = await tagsOf(bench, first);
  expect(new Set(tags.tags.values()).size).toBe(DATA_BLOCKS);
  await disk.write(8);
  const second = only(await bench.backup({ type: "incremental" }));
  expect(second.bytes_transferred).toBe(BLOCK);
  expect(changed(tags, await tagsOf(bench, second))).toEqual([8]);
  expect(await hashesInMap(bench.diskFolder, second)).toEqual(naiveHashes(disk.content));
  expect((await restoreByQemuImg(bench.diskFolder, second)).equals(disk.content)).toBe(true);
});
