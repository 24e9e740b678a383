import { afterAll, beforeAll, expect, test } from "vitest";
import { checkAnyFlippedBit } from "../../../test/helpers/damage-backups.ts";
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
  await checkAnyFlippedBit(files, 60, async (place) => {
    const result = await verifyBackup(await made.read(), idOf(0), { keys: null });
    expect(result.status, place).toBe("failed");
  });
  expect((await verifyBackup(await made.read(), idOf(0), { keys: null })).status).toBe("passed");
});
