import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { collect, fromSegments, toSegments } from "../../../test/helpers/model-disk.ts";
import { scratchFolder } from "../../../test/helpers/nbd-servers.ts";
import { sampled } from "../../../test/helpers/sample.ts";
import { createMapWriter, digestMapFile, openMap } from "./map-file.ts";
import { SEGMENT_BYTES, type Segment } from "./segment.ts";

const KEY = createHash("sha256").update("key").digest();
const TAG_KEY = createHash("sha256").update("tag key").digest();
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

type Keys = { key?: Uint8Array | undefined; tagKey?: Uint8Array };

const KINDS: [string, Keys][] = [
  ["plain", {}],
  ["encrypted", { key: KEY }],
  ["plain tagged", { tagKey: TAG_KEY }],
  ["encrypted tagged", { key: KEY, tagKey: TAG_KEY }],
];

async function writeMap(path: string, segments: Segment[], keys: Keys = {}, diskSize = DISK) {
  const writer = await createMapWriter(path, { diskSize, ...keys });
  for (const segment of segments) await writer.append(segment);
  return writer.finish();
}

/** A tag for each block, made from its digest. */
function tagged(segments: Segment[]): Segment[] {
  return segments.map((segment) => {
    const blocks = Array.from({ length: segment.digests.length / 32 }, (_, at) => at * 32);
    return { ...segment, tags: Buffer.concat(blocks.map((at) => segment.digests.subarray(at + 5, at + 21))) };
  });
}

async function readAll(path: string, key?: Uint8Array) {
  const map = await openMap(path, { key });
  try {
    return { header: map.header, tagKey: map.tagKey, segments: await collect(map.segments()) };
  } finally {
    await map.close();
  }
}

test.each(KINDS)("a %s map gives back what was written, and its summary is true", async (_, keys) => {
  await using folder = await scratchFolder();
  let number = 0;
  await fc.assert(
    fc.asyncProperty(presence, async (digests) => {
      number += 1;
      const path = join(folder.path, `${number}.map`);
      const segments = keys.tagKey ? tagged(toSegments(digests)) : toSegments(digests);
      const summary = await writeMap(path, segments, keys);
      const back = await readAll(path, keys.key);
      expect(back.header).toEqual({ diskSize: DISK, encrypted: keys.key !== undefined });
      expect(Buffer.from(back.tagKey ?? []).equals(keys.tagKey ?? Buffer.alloc(0))).toBe(true);
      const tags = (of: Segment[]) => of.map((segment) => segment.tags && Buffer.from(segment.tags).toString("hex"));
      expect(tags(back.segments)).toEqual(tags(segments));
      expect(fromSegments(back.segments)).toEqual(new Map([...digests].sort(([a], [b]) => a - b)));
      const content = await readFile(path);
      const sha256 = createHash("sha256").update(content).digest("hex");
      expect(summary).toEqual({ sha256, sizeBytes: content.length, dataBlocks: digests.size });
      expect(await digestMapFile(path)).toEqual({ sha256, sizeBytes: content.length });
    }),
    { numRuns: sampled(8, 25) },
  );
});

const SMALL = toSegments(new Map([0, 1, 1023, 5000, LAST_BLOCK].map((block) => [block, digestOf(`${block}`)])));

test.each(KINDS)("%s: any flipped bit, any truncation, any appended byte is MAP_DAMAGED", async (_, keys) => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.map");
  const { key } = keys;
  await writeMap(path, keys.tagKey ? tagged(SMALL) : SMALL, keys);
  const good = await readFile(path);
  const refused = async (content: Buffer) => {
    await writeFile(path, content);
    const error = await readAll(path, key).then(String, (reason: unknown) => reason);
    expect(error).toMatchObject({ code: "MAP_DAMAGED", message: expect.stringContaining(path) });
  };
  for (let bit = 0; bit < good.length * 8; bit++) {
    // Of the header and of the first record's head more than of the rest. Bit 64 has its own test.
    const tried = bit < 140 * 8 ? bit % sampled(5, 1) === 0 : bit % sampled(61, 17) === 0;
    if (!tried || (bit === 64 && key === undefined)) continue;
    const bad = Buffer.from(good);
    bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    await refused(bad);
  }
  for (let length = 0; length < good.length; length += sampled(7, 1)) await refused(good.subarray(0, length));
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
  await writeMap(secret, SMALL, { key: KEY });
  await writeMap(plain, SMALL);
  await expect(openMap(secret, { key: Buffer.alloc(32, 7) })).rejects.toMatchObject({ code: "MAP_DAMAGED" });
  await expect(openMap(secret, {})).rejects.toMatchObject({ code: "BAD_REQUEST" });
  await expect(openMap(plain, { key: KEY })).rejects.toMatchObject({ code: "MAP_DAMAGED" });
  await expect(openMap(join(folder.path, "none.map"), {})).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("an encrypted map shows no digest, no tag and not their key, and the same content never looks the same twice", async () => {
  await using folder = await scratchFolder();
  const paths = ["a.map", "b.map"].map((name) => join(folder.path, name));
  for (const path of paths) await writeMap(path, tagged(SMALL), { key: KEY, tagKey: TAG_KEY });
  const [first, second] = await Promise.all(paths.map((path) => readFile(path)));
  expect(first?.length).toBe(second?.length);
  expect(first?.subarray(80).equals(second?.subarray(80) ?? Buffer.alloc(0))).toBe(false);
  for (const { digests } of SMALL) expect(first?.includes(Buffer.from(digests.subarray(5, 21)))).toBe(false);
  expect(first?.includes(TAG_KEY.subarray(0, 8))).toBe(false);
});

test("no two records share a nonce: equal content is sealed differently", async () => {
  await using folder = await scratchFolder();
  const path = join(folder.path, "disk.map");
  const [segment] = toSegments(new Map([[0, digestOf("same")]])) as [Segment];
  await writeMap(path, [segment, { ...segment, index: 1 }], { key: KEY });
  const content = await readFile(path);
  // Bitmap and digest of both records: past header and tag, then past length, kind and index.
  const [first, second] = [80, 80 + 4 + 168 + 16].map((at) => content.subarray(at + 12, at + 4 + 168));
  expect(first?.equals(second ?? Buffer.alloc(0))).toBe(false);
});

test.each(KINDS.slice(0, 2))(
  "%s: whole records that are swapped, repeated, dropped or taken from another map are noticed",
  async (_, { key }) => {
    await using folder = await scratchFolder();
    const path = join(folder.path, "disk.map");
    const even = [0, 1, 2].map(
      (index) => ({ ...toSegments(new Map([[0, digestOf(`${index}`)]]))[0], index }) as Segment,
    );
    await writeMap(path, even, { key });
    const good = await readFile(path);
    await writeMap(`${path}.other`, even, { key }, DISK + 1);
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
  },
);
