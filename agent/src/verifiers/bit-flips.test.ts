import { stat } from "node:fs/promises";
import { asyncProperty, assert as check, double, integer } from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { flipBit } from "../../../test/helpers/damage-backups.ts";
import { type HandMade, idOf, makeBackups } from "../../../test/helpers/hand-made-backups.ts";
import { mapPath, sidecarPath } from "../repository/layout.ts";
import { verifyBackup } from "./verify.ts";

let made: HandMade;
beforeAll(async () => {
  const writes = [["write -P 5 0 192k", "write -P 6 1M 64k", "write -z 512k 64k"]];
  made = await makeBackups({ diskSize: 2 * 1024 * 1024, writes });
});
afterAll(() => made.remove());

test("one flipped bit anywhere in image, map or sidecar is found, and none when it is flipped back", async () => {
  const files = [made.pathOf(0), mapPath(made.folder, idOf(0)), sidecarPath(made.folder, idOf(0))];
  const anywhere = asyncProperty(
    integer({ min: 0, max: files.length - 1 }),
    double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    integer({ min: 0, max: 7 }),
    async (which, place, bit) => {
      const path = files[which] ?? "";
      const offset = Math.floor(place * (await stat(path)).size);
      await flipBit(path, offset, bit);
      try {
        const result = await verifyBackup(await made.read(), idOf(0), { keys: null });
        expect(result.status, `bit ${bit} of byte ${offset} of ${path}`).toBe("failed");
      } finally {
        await flipBit(path, offset, bit);
      }
    },
  );
  await check(anywhere, { numRuns: 60 });
  expect((await verifyBackup(await made.read(), idOf(0), { keys: null })).status).toBe("passed");
});
