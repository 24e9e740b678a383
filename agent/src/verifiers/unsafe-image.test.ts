import { readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { forgeImage } from "../../../test/helpers/damage-backups.ts";
import { type HandMade, idOf, makeBackups, run } from "../../../test/helpers/hand-made-backups.ts";
import { drillBytes } from "../drills/bytes.ts";
import { restoreDisk } from "../restore/restore.ts";
import { verifyBackup } from "./verify.ts";

const SIZE = 1024 * 1024;
let made: HandMade;
afterEach(() => made.remove());

/** A backup whose image was replaced by one that points at a secret file of the host, with descriptions made to fit. */
async function planted(plant: (image: string, secret: string) => Promise<unknown>): Promise<string> {
  made = await makeBackups({ diskSize: SIZE, writes: [["write -P 5 0 64k"]] });
  const secret = join(made.root, "secret.raw");
  await writeFile(secret, Buffer.alloc(SIZE, "secret"));
  await rm(made.pathOf(0));
  await plant(made.pathOf(0), secret);
  await forgeImage(made, 0);
  // Older than its last change, so that "relatime" records the next reading.
  await utimes(secret, 1, 1_000_000);
  return secret;
}

async function expectRefused(secret: string, why: RegExp): Promise<void> {
  const disk = await made.read();
  const result = await verifyBackup(disk, idOf(0), { keys: null });
  expect(result).toMatchObject({ status: "failed", findings: [{ code: "IMAGE_UNSAFE" }], bytes_checked: 0 });
  expect(result.findings[0]?.message).toMatch(why);
  expect(result.parts).not.toContain("content");
  const target = join(made.root, "restored.raw");
  const restoring = restoreDisk(disk, idOf(0), { keys: null, target, format: "raw" });
  await expect(restoring).rejects.toMatchObject({ code: "REPOSITORY_DAMAGED", message: expect.stringMatching(why) });
  await expect(stat(target)).rejects.toMatchObject({ code: "ENOENT" });
  const scratch = { scratchFolder: made.root, maxScratchBytes: SIZE, timeoutMs: 30_000 };
  expect(await drillBytes(disk, idOf(0), { keys: null, ...scratch })).toMatchObject({ status: "failed" });
  expect((await stat(secret)).atimeMs).toBe(1000);
  await readFile(secret);
  expect((await stat(secret)).atimeMs, "this file system does not tell when a file was read").not.toBe(1000);
}

test("an image with an external data file is refused before QEMU opens it", async () => {
  const secret = await planted((image, data) =>
    run("qemu-img", ["create", "-q", "-f", "qcow2", "-o", `data_file=${data},data_file_raw=on`, image, String(SIZE)]),
  );
  await writeFile(secret, Buffer.alloc(SIZE, "secret"));
  await utimes(secret, 1, 1_000_000);
  await expectRefused(secret, /keeps its data in another file/);
});

test("an image whose backing file is not of the chain is refused before QEMU opens it", async () => {
  const secret = await planted((image, backing) =>
    run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", backing, "-F", "raw", image, String(SIZE)]),
  );
  await expectRefused(secret, /its backing file is ".*secret.raw" instead of null/);
});

test("a link in an image's place is not followed", async () => {
  made = await makeBackups({ diskSize: SIZE, writes: [["write -P 5 0 64k"]] });
  const elsewhere = join(made.root, "elsewhere.qcow2");
  await run("mv", [made.pathOf(0), elsewhere]);
  await symlink(elsewhere, made.pathOf(0));
  const result = await verifyBackup(await made.read(), idOf(0), { keys: null });
  expect(result).toMatchObject({ status: "failed", findings: [{ code: "IMAGE_MISSING" }] });
  const target = join(made.root, "restored.raw");
  const restoring = restoreDisk(await made.read(), idOf(0), { keys: null, target, format: "raw" });
  await expect(restoring).rejects.toMatchObject({ code: "REPOSITORY_DAMAGED", message: expect.stringMatching(/link/) });
});

test("internal snapshots and another size are refused", async () => {
  await planted(async (image) => {
    await run("qemu-img", ["create", "-q", "-f", "qcow2", image, String(2 * SIZE)]);
    await run("qemu-img", ["snapshot", "-c", "one", image]);
  });
  const { findings } = await verifyBackup(await made.read(), idOf(0), { keys: null });
  expect(findings.map(({ message }) => message.split(": ")[1])).toEqual([
    "it holds 1 internal snapshots",
    `its disk has ${2 * SIZE} bytes instead of ${SIZE}`,
  ]);
});

test("an image is refused as well where only what it adds to its parent is looked at", async () => {
  made = await makeBackups({ diskSize: SIZE, writes: [["write -P 5 0 64k"], ["write -P 6 0 64k"]] });
  const secret = join(made.root, "secret.raw");
  await writeFile(secret, Buffer.alloc(SIZE, "secret"));
  await rm(made.pathOf(1));
  await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", secret, "-F", "raw", made.pathOf(1), String(SIZE)]);
  await forgeImage(made, 1);
  await utimes(secret, 1, 1_000_000);
  const result = await verifyBackup(await made.read(), idOf(1), { keys: null, parentProven: "read what it adds" });
  expect(result).toMatchObject({ status: "failed", findings: [{ code: "IMAGE_UNSAFE" }], bytes_checked: 0 });
  expect(result.parts).not.toContain("content");
  expect((await stat(secret)).atimeMs).toBe(1000);
});
