import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { collect, fromSegments, toSegments } from "../../../test/helpers/model-disk.ts";
import { scratchFolder } from "../../../test/helpers/nbd-servers.ts";
import { createMapWriter, type OpenMap, openMap } from "./map-file.ts";
import { blankBitmap, SEGMENT_BYTES, type Segment } from "./segment.ts";

const TAG_KEY = createHash("sha256").update("tag key").digest();
const DISK = 40 * SEGMENT_BYTES - 70_000;
const LAST_BLOCK = Math.ceil(DISK / 65536) - 1;

const digestOf = (text: string) => createHash("sha256").update(text).digest("hex");
const DIGESTS = new Map([0, 1, 1023, 5000, LAST_BLOCK].map((block) => [block, digestOf(`${block}`)]));
const SMALL = toSegments(DIGESTS);

function disposable(map: OpenMap): OpenMap & AsyncDisposable {
  return { ...map, [Symbol.asyncDispose]: () => map.close() };
}

test("the writer refuses what does not belong, leaves existing files alone, and abort leaves nothing", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.map");
  const writer = await createMapWriter(path, { diskSize: DISK });
  const [segment] = toSegments(new Map([[1024, digestOf("x")]])) as [Segment];
  await writer.append(segment);
  await writer.append({ index: 0, present: blankBitmap(), digests: new Uint8Array(0) });
  const [late] = toSegments(new Map([[LAST_BLOCK + 1, digestOf("x")]])) as [Segment];
  for (const bad of [segment, { ...segment, index: 0 }, { ...segment, index: 4000 }, late]) {
    await expect(writer.append(bad)).rejects.toMatchObject({ code: "INTERNAL" });
  }
  await expect(writer.append({ ...segment, index: 2, digests: new Uint8Array(64) })).rejects.toMatchObject({
    code: "INTERNAL",
  });
  await expect(createMapWriter(path, { diskSize: DISK })).rejects.toThrow(/EEXIST/);
  await writer.abort();
  await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
});

test("a map without tags is written and read as it always was", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.map");
  const writer = await createMapWriter(path, { diskSize: DISK });
  for (const segment of SMALL) await writer.append(segment);
  expect((await writer.finish()).sha256).toBe("201330fcb5543e743c754e50fd1a81cc67a8a18c7ccba11fc136807b4221bb5e");
  await using map = disposable(await openMap(path, {}));
  expect(map.tagKey).toBeNull();
  expect(fromSegments(await collect(map.segments()))).toEqual(DIGESTS);
});

test("in a tagged map a segment without tags has none; tags that do not fit are refused", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.map");
  const writer = await createMapWriter(path, { diskSize: DISK, tagKey: TAG_KEY });
  const [first, second, last] = SMALL as [Segment, Segment, Segment];
  const tags = Buffer.alloc(first.digests.length / 2, 7);
  for (const length of [0, tags.length - 16, tags.length + 1]) {
    const refused = writer.append({ ...first, tags: Buffer.alloc(length) });
    await expect(refused).rejects.toMatchObject({ code: "INTERNAL", message: expect.stringContaining("tags") });
  }
  await writer.append({ ...first, tags });
  await writer.append(second);
  await writer.append(last);
  await writer.finish();
  await using map = disposable(await openMap(path, {}));
  expect(map.tagKey).toEqual(new Uint8Array(TAG_KEY));
  const read = await collect(map.segments());
  expect(read.map((segment) => segment.tags)).toEqual([tags, Buffer.alloc(16), Buffer.alloc(16)]);
  expect(fromSegments(read)).toEqual(DIGESTS);
});
