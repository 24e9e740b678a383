import { createHash } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { collect, fromSegments, toSegments } from "../../../test/helpers/model-disk.ts";
import { scratchFolder } from "../../../test/helpers/nbd-servers.ts";
import { createMapWriter, digestMapFile, openMap } from "./map-file.ts";
import { blankBitmap, SEGMENT_BYTES, type Segment } from "./segment.ts";

const KEY = createHash("sha256").update("key").digest();
const DISK = 40 * SEGMENT_BYTES - 70_000;
const LAST_BLOCK = Math.ceil(DISK / 65536) - 1;

const digestOf = (text: string) => createHash("sha256").update(text).digest("hex");

/** Runs of blocks, so that full, sparse and lone segments all occur. */
const presence = fc
  .array(fc.tuple(fc.nat(LAST_BLOCK), fc.oneof(fc.nat(5), fc.nat(2500))), { maxLength: 8 })
  .map((runs) => {
    const blocks = runs.flatMap(([first, count]) => Array.from({ length: count + 1 }, (_, at) => first + at));
    return new Map(blocks.filter((block) => block <= LAST_BLOCK).map((block) => [block, digestOf(`${block}`)]));
  });

async function writeMap(path: string, segments: Segment[], key?: Uint8Array, diskSize = DISK) {
  const writer = await createMapWriter(path, { diskSize, key });
  for (const segment of segments) await writer.append(segment);
  return writer.finish();
}

async function readAll(path: string, key?: Uint8Array) {
  const map = await openMap(path, { key });
  try {
    return { header: map.header, segments: await collect(map.segments()) };
  } finally {
    await map.close();
  }
}

test.each([
  ["plain", undefined],
  ["encrypted", KEY],
])("a %s map gives back what was written, and its summary is true", async (_, key) => {
  await using folder = await scratchFolder();
  let number = 0;
  await fc.assert(
    fc.asyncProperty(presence, async (digests) => {
      number += 1;
      const path = join(folder.path, `${number}.map`);
      const summary = await writeMap(path, toSegments(digests), key);
      const back = await readAll(path, key);
      expect(back.header).toEqual({ diskSize: DISK, encrypted: key !== undefined });
      expect(fromSegments(back.segments)).toEqual(new Map([...digests].sort(([a], [b]) => a - b)));
      const content = await readFile(path);
      const sha256 = createHash("sha256").update(content).digest("hex");
      expect(summary).toEqual({ sha256, sizeBytes: content.length, dataBlocks: digests.size });
      expect(await digestMapFile(path)).toEqual({ sha256, sizeBytes: content.length });
    }),
    { numRuns: 25 },
  );
});

const SMALL = toSegments(new Map([0, 1, 1023, 5000, LAST_BLOCK].map((block) => [block, digestOf(`${block}`)])));

test.each([
  ["plain", undefined],
  ["encrypted", KEY],
])("%s: any flipped bit, any truncation, any appended byte is MAP_DAMAGED", async (_, key) => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.map");
  await writeMap(path, SMALL, key);
  const good = await readFile(path);
  const refused = async (content: Buffer) => {
    await writeFile(path, content);
    const error = await readAll(path, key).then(String, (reason: unknown) => reason);
    expect(error).toMatchObject({ code: "MAP_DAMAGED", message: expect.stringContaining(path) });
  };
  for (let bit = 0; bit < good.length * 8; bit++) {
    // All bits of the header and of the first record's head, then a bit of every second byte. Bit 64 has its own test.
    const tried = bit < 120 * 8 || bit % 17 === 0;
    if (!tried || (bit === 64 && key === undefined)) continue;
    const bad = Buffer.from(good);
    bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    await refused(bad);
  }
  for (let length = 0; length < good.length; length++) await refused(good.subarray(0, length));
  for (const byte of [0, 1, 255]) await refused(Buffer.concat([good, Buffer.of(byte)]));
});

test("the encrypted flag flipped on in a plain map asks for a key, and no key opens it", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.map");
  await writeMap(path, SMALL);
  const bad = await readFile(path);
  bad[8] = 1;
  await writeFile(path, bad);
  await expect(readAll(path)).rejects.toMatchObject({ code: "BAD_REQUEST" });
  await expect(readAll(path, KEY)).rejects.toMatchObject({ code: "MAP_DAMAGED" });
});

test("an encrypted map opens with its own key only, and a plain one never stands in for it", async () => {
  await using folder = await scratchFolder();
  const [secret, plain] = [join(folder.path, "secret.map"), join(folder.path, "plain.map")];
  await writeMap(secret, SMALL, KEY);
  await writeMap(plain, SMALL);
  await expect(openMap(secret, { key: Buffer.alloc(32, 7) })).rejects.toMatchObject({ code: "MAP_DAMAGED" });
  await expect(openMap(secret, {})).rejects.toMatchObject({ code: "BAD_REQUEST" });
  await expect(openMap(plain, { key: KEY })).rejects.toMatchObject({ code: "MAP_DAMAGED" });
  await expect(openMap(join(folder.path, "none.map"), {})).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("an encrypted map shows no digest, and the same content never looks the same twice", async () => {
  await using folder = await scratchFolder();
  const paths = ["a.map", "b.map"].map((name) => join(folder.path, name));
  for (const path of paths) await writeMap(path, SMALL, KEY);
  const [first, second] = await Promise.all(paths.map((path) => readFile(path)));
  expect(first?.length).toBe(second?.length);
  expect(first?.subarray(80).equals(second?.subarray(80) ?? Buffer.alloc(0))).toBe(false);
  for (const { digests } of SMALL) expect(first?.includes(Buffer.from(digests.subarray(0, 16)))).toBe(false);
});

test("no two records share a nonce: equal content is sealed differently", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.map");
  const [segment] = toSegments(new Map([[0, digestOf("same")]])) as [Segment];
  await writeMap(path, [segment, { ...segment, index: 1 }], KEY);
  const content = await readFile(path);
  // Bitmap and digest of both records: past header and tag, then past length, kind and index.
  const [first, second] = [80, 80 + 4 + 168 + 16].map((at) => content.subarray(at + 12, at + 4 + 168));
  expect(first?.equals(second ?? Buffer.alloc(0))).toBe(false);
});

test.each([
  ["plain", undefined],
  ["encrypted", KEY],
])("%s: whole records that are swapped, repeated, dropped or taken from another map are noticed", async (_, key) => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.map");
  const even = [0, 1, 2].map((index) => ({ ...toSegments(new Map([[0, digestOf(`${index}`)]]))[0], index }) as Segment);
  await writeMap(path, even, key);
  const good = await readFile(path);
  await writeMap(`${path}.other`, even, key, DISK + 1);
  const other = await readFile(`${path}.other`);
  const overhead = key === undefined ? 4 : 16;
  const [start, size] = [64 + overhead, 4 + 168 + overhead];
  const [head, one, two, three] = [0, 1, 2, 3].map((n) =>
    n === 0 ? good.subarray(0, start) : good.subarray(start + (n - 1) * size, start + n * size),
  ) as [Buffer, Buffer, Buffer, Buffer];
  const end = good.subarray(start + 3 * size);
  const foreign = other.subarray(start + size, start + 2 * size);
  expect(Buffer.concat([head, one, two, three, end]).equals(good)).toBe(true);
  const forged = [
    [head, two, one, three, end],
    [head, one, one, two, three, end],
    [head, one, three, end],
    [head, one, two, end],
    [head, one, foreign, three, end],
  ];
  for (const pieces of forged) {
    await writeFile(path, Buffer.concat(pieces));
    await expect(readAll(path, key)).rejects.toMatchObject({
      code: "MAP_DAMAGED",
      message: expect.stringMatching(/record \d/),
      details: expect.stringMatching(/^at byte \d+/),
    });
  }
});

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
