import { expect, test } from "vitest";
import type { OpenMap } from "../blockmap/map-file.ts";
import { addBlocks, blankBitmap, type Segment } from "../blockmap/segment.ts";
import { compareKept } from "./added.ts";
import { createFindingList } from "./finding-list.ts";

const BLOCK = 65_536;

/** By segment: what its first blocks hold, a letter each, "." nothing. */
function mapOf(...segments: (string | undefined)[]): OpenMap {
  const made = segments.flatMap((text, index): Segment[] => {
    if (text === undefined) return [];
    const present = blankBitmap();
    const held = [...text].map((letter, block) => ({ letter, block })).filter(({ letter }) => letter !== ".");
    for (const { block } of held) addBlocks(present, block, block + 1);
    return [{ index, present, digests: Buffer.concat(held.map(({ letter }) => Buffer.alloc(32, letter))) }];
  });
  return {
    header: { diskSize: 3 * 1024 * BLOCK, encrypted: false },
    tagKey: null,
    segments: async function* () {
      yield* made;
    },
    close: async () => undefined,
  };
}

const added = (...blocks: number[]) => {
  const bitmap = blankBitmap();
  for (const block of blocks) addBlocks(bitmap, block, block + 1);
  return new Map([[0, bitmap]]);
};

test.each<[string, OpenMap, OpenMap, ReturnType<typeof added>, [number, number][]]>([
  ["all is as it was", mapOf("ab.c", undefined, "d"), mapOf("ab.c", undefined, "d"), added(), []],
  ["what changed is held", mapOf("xb.y"), mapOf("ab.c"), added(0, 3), []],
  ["a block changed and is not held", mapOf("axxc"), mapOf("abbc"), added(1), [[2, 1]]],
  ["a block came and is not held", mapOf("abc"), mapOf("ab"), added(), [[2, 1]]],
  ["a block went and is not held", mapOf("a.c"), mapOf("abc"), added(0), [[1, 1]]],
  ["a segment came", mapOf("a", "bb"), mapOf("a"), added(0), [[1024, 2]]],
  ["a segment went", mapOf(undefined, "b"), mapOf("aa", "b"), added(0), [[1, 1]]],
])("a map beside that of the parent: %s", async (_name, map, before, held, expected) => {
  const findings = createFindingList();
  await compareKept(map, before, held, findings);
  const found = findings.kept().map(({ code, offset = 0, length = 0 }) => [code, offset / BLOCK, length / BLOCK]);
  expect(found).toEqual(expected.map(([first, count]) => ["CONTENT_MISMATCH", first, count]));
});
