import { afterAll, beforeAll, expect, test } from "vitest";
import { flipBit, hostOffset, makeUnreadable } from "../../../test/helpers/damage-backups.ts";
import { type HandMade, idOf, makeBackups } from "../../../test/helpers/hand-made-backups.ts";
import { openPoint, preparePoint } from "../restore/point.ts";
import { compareWithMap } from "./compare.ts";
import { openBackupMap } from "./content.ts";
import { createFindingList } from "./finding-list.ts";

const SEGMENT = 64 * 1024 * 1024;
const BLOCK = 65_536;
let made: HandMade;

beforeAll(async () => {
  const writes = [["write -P 5 0 256k", `write -P 6 ${SEGMENT} 256k`, `write -P 7 ${3 * SEGMENT} 256k`]];
  made = await makeBackups({ diskSize: 4 * SEGMENT, writes });
  await flipBit(made.pathOf(0), await hostOffset(made.pathOf(0), SEGMENT));
  await makeUnreadable(made.pathOf(0), 2);
  await makeUnreadable(made.pathOf(0), (3 * SEGMENT) / BLOCK + 1);
});
afterAll(() => made.remove());

async function compared(patienceMs?: number) {
  const disk = await made.read();
  const findings = createFindingList();
  const point = await preparePoint(disk, idOf(0), { keys: null });
  await using map = await openBackupMap(disk, point.backup, null, true);
  await using opened = await openPoint(point);
  const result = await compareWithMap({ endpoint: opened.endpoint, map, findings, patienceMs });
  return { ...result, found: findings.kept().map(({ code, offset, length }) => [code, offset, length]) };
}

test("blocks that cannot be read are named one by one, and all others are still compared", async () => {
  const { complete, found } = await compared();
  expect(complete).toBe(true);
  expect(found).toHaveLength(3);
  expect(found).toContainEqual(["READ_ERROR", 2 * BLOCK, BLOCK]);
  expect(found).toContainEqual(["CONTENT_MISMATCH", SEGMENT, BLOCK]);
  expect(found).toContainEqual(["READ_ERROR", 3 * SEGMENT + BLOCK, BLOCK]);
});

test("when failing reads have cost too much time, the rest is given up and that is said", async () => {
  const { complete, found } = await compared(0.001);
  expect(complete).toBe(false);
  expect(found).toEqual([
    ["CONTENT_MISMATCH", SEGMENT, BLOCK],
    ["READ_ERROR", 0, SEGMENT],
  ]);
});
