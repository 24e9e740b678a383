import { copyFile, readFile, rm, truncate, writeFile } from "node:fs/promises";
import type { Verification } from "@holdfast/protocol";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import {
  firstL2Table,
  flipBit,
  forgeImage,
  forgeSidecar,
  hostOffset,
  makeUnreadable,
} from "../../../test/helpers/damage-backups.ts";
import { copyBackups, type HandMade, makeBackups } from "../../../test/helpers/hand-made-backups.ts";
import type { CatalogueDisk } from "../repository/catalogue.ts";
import { mapPath, sidecarPath } from "../repository/layout.ts";
import type { VerifyOptions } from "./part.ts";
import { verifyBackup } from "./verify.ts";

const MIB = 1024 * 1024;
let template: HandMade;
let made: HandMade | undefined;

beforeAll(async () => {
  template = await makeBackups({
    diskSize: 8 * MIB + 512,
    writes: [["write -P 5 0 1M", "write -P 6 4M 100k"], ["write -P 7 64k 64k"], ["write -P 8 8M 512"]],
  });
});
afterAll(() => template.remove());
afterEach(() => made?.remove());

/** A chain of three with some damage, looked at again from the disk. */
async function verified(
  damage: (made: HandMade) => Promise<unknown>,
  options: Partial<VerifyOptions> & { index?: number } = {},
): Promise<Verification> {
  await made?.remove();
  made = await copyBackups(template);
  await damage(made);
  const { index = 2, ...rest } = options;
  const disk: CatalogueDisk = await made.read();
  return await verifyBackup(disk, idOf(index), { keys: null, ...rest });
}

const idOf = (index: number): string => template.sidecars[index]?.backup_id ?? "";
const codes = ({ findings }: Verification): string[] => findings.map(({ code }) => code);
const mapOf = ({ folder }: HandMade, index: number): string => mapPath(folder, idOf(index));
const sidecarOf = ({ folder }: HandMade, index: number): string => sidecarPath(folder, idOf(index));

test("a whole chain passes, read past the page cache", async () => {
  made = await copyBackups(template);
  const seen: number[] = [];
  const onProgress = ({ doneBytes, totalBytes }: { doneBytes: number; totalBytes: number }) =>
    seen.push(doneBytes / totalBytes);
  const result = await verifyBackup(await made.read(), idOf(2), { keys: null, onProgress });
  expect(result).toMatchObject({ status: "passed", cached: false, findings: [], findings_total: 0 });
  expect(result.parts).toEqual(["structure", "chain", "map", "content"]);
  expect(result.bytes_checked).toBe(18 * 65_536 + 512);
  expect(seen.at(-1)).toBeGreaterThan(0.9);
});

test("a flipped bit in the data of the full is found through the increment, and its block is named", async () => {
  const result = await verified(async (copy) => flipBit(copy.pathOf(0), await hostOffset(copy.pathOf(0), 4 * MIB + 5)));
  expect(result).toMatchObject({ status: "failed", cached: false, findings_total: 1 });
  expect(result.findings[0]).toMatchObject({ code: "CONTENT_MISMATCH", offset: 4 * MIB, length: 65_536 });
});

test("data that an increment has replaced is no part of its point", async () => {
  const damage = async (copy: HandMade) => flipBit(copy.pathOf(0), await hostOffset(copy.pathOf(0), 65_536));
  expect((await verified(damage, { index: 1 })).status).toBe("passed");
  expect((await verified(damage, { index: 0 })).findings).toMatchObject([{ offset: 65_536, length: 65_536 }]);
});

test("neighbouring blocks that differ are one range", async () => {
  const result = await verified(async (copy) => {
    for (const offset of [0, 2 * 65_536, 3 * 65_536])
      await flipBit(copy.pathOf(0), await hostOffset(copy.pathOf(0), offset));
  });
  expect(result.findings.map(({ offset, length }) => [offset, length])).toEqual([
    [0, 65_536],
    [2 * 65_536, 2 * 65_536],
  ]);
});

test("a flipped bit in tables, header or padding of any layer is found and the file named", async () => {
  for (const place of [
    async (path: string) => (await firstL2Table(path)) + 3000,
    async () => 65_536 + 9,
    async () => 600,
  ]) {
    for (const index of [0, 2]) {
      const result = await verified(async (copy) => flipBit(copy.pathOf(index), await place(copy.pathOf(index))));
      expect(result.status).toBe("failed");
      expect(result.findings[0]).toMatchObject({ code: "IMAGE_DIGEST", file: `${idOf(index)}.qcow2` });
    }
  }
});

test("a block that cannot be read is named, and the rest is still compared", async () => {
  const result = await verified(async (copy) => {
    await flipBit(copy.pathOf(0), await hostOffset(copy.pathOf(0), 4 * MIB));
    await makeUnreadable(copy.pathOf(0), 3);
  });
  expect(result.status).toBe("failed");
  expect(result.findings).toContainEqual(
    expect.objectContaining({ code: "READ_ERROR", offset: 3 * 65_536, length: 65_536 }),
  );
  expect(result.findings).toContainEqual(expect.objectContaining({ code: "CONTENT_MISMATCH", offset: 4 * MIB }));
});

test("a damaged map, a damaged sidecar and a missing parent are told apart", async () => {
  expect(codes(await verified((copy) => flipBit(mapOf(copy, 2), 60)))).toContain("MAP_DIGEST");
  expect(codes(await verified((copy) => rm(mapOf(copy, 2))))).toEqual(["MAP_MISSING"]);
  const sidecar = await verified((copy) => flipBit(sidecarOf(copy, 2), 200));
  expect(sidecar).toMatchObject({ status: "failed", findings: [{ code: "SIDECAR_DAMAGED" }], parts: [] });
  const parent = await verified((copy) => rm(sidecarOf(copy, 1)));
  expect(parent).toMatchObject({ status: "failed", parts: ["structure", "chain", "map"] });
  expect(parent.findings[0]).toMatchObject({ code: "PARENT_MISSING", file: `${idOf(1)}.qcow2.json` });
  const image = await verified((copy) => rm(copy.pathOf(0)));
  expect(image.findings).toMatchObject([{ code: "IMAGE_MISSING", file: `${idOf(0)}.qcow2` }]);
});

test("a sidecar that rotted after the catalogue was read is found", async () => {
  made = await copyBackups(template);
  const disk = await made.read();
  await flipBit(sidecarOf(made, 1), 300);
  expect(codes(await verifyBackup(disk, idOf(2), { keys: null }))).toEqual(["SIDECAR_DAMAGED"]);
});

test("a file that was cut off, and one that another backup's was put in place of, fail", async () => {
  const cut = await verified(async (copy) =>
    truncate(copy.pathOf(0), (await readFile(copy.pathOf(0))).length - 65_536),
  );
  expect(codes(cut)).toContain("IMAGE_SIZE");
  const swapped = await verified((copy) => copyFile(copy.pathOf(1), copy.pathOf(0)));
  expect(swapped.status).toBe("failed");
  expect(codes(swapped)).toContain("IMAGE_UNSAFE");
});

test("a backing file that was swapped with all its descriptions made to fit fails by its content", async () => {
  const result = await verified(async (copy) => {
    const path = copy.pathOf(0);
    await flipBit(path, await hostOffset(path, 0));
    await forgeImage(copy, 0);
  });
  expect(result).toMatchObject({ status: "failed", findings: [{ code: "CONTENT_MISMATCH", offset: 0 }] });
});

test("a map and sidecar that were rewritten to fit damage are found by the digest recorded elsewhere", async () => {
  const recordedMapDigest = template.sidecars[2]?.hash_map.sha256;
  const result = await verified(
    async (copy) => {
      await copyFile(mapOf(copy, 1), mapOf(copy, 2));
      const { sha256, size_bytes } = template.sidecars[1]?.hash_map ?? { sha256: "", size_bytes: 0 };
      const kept = template.sidecars[2]?.hash_map;
      if (kept) await forgeSidecar(copy, 2, { hash_map: { ...kept, sha256, size_bytes } });
    },
    { recordedMapDigest, parts: ["map"] },
  );
  expect(result).toMatchObject({ status: "failed", findings: [{ code: "MAP_REPLACED" }], parts: ["map"] });
});

test("cancelled and timed out are errors, which prove nothing; a tool that is missing is one, too", async () => {
  const nothing = async (): Promise<void> => undefined;
  const cancelled = await verified(nothing, { signal: AbortSignal.abort() });
  expect(cancelled).toMatchObject({ status: "error", reason: "cancelled", parts: [] });
  expect(await verified(nothing, { timeoutMs: 1 })).toMatchObject({ status: "error", reason: "time-out" });
  const { PATH } = process.env;
  try {
    process.env["PATH"] = template.folder;
    const missing = await verified(nothing);
    expect(missing).toMatchObject({ status: "error", findings: [] });
    expect(missing.reason).toMatch(/qemu-img is not installed/);
    const content = await verified(nothing, { parts: ["content"] });
    expect(content).toMatchObject({ status: "error", findings: [], parts: [] });
  } finally {
    process.env["PATH"] = PATH;
  }
});

test("structure alone says nothing about the content; no part at all is skipped", async () => {
  const result = await verified((copy) => writeFile(mapOf(copy, 2), "gone"), { parts: ["structure"] });
  expect(result).toMatchObject({ status: "passed", parts: ["structure"], bytes_checked: 0, cached: true });
  expect(result.reason).toMatch(/content was not looked at/);
  expect((await verified(async () => undefined, { parts: [] })).status).toBe("skipped");
});

test("a backup that does not exist is no result", async () => {
  const disk = await template.read();
  const unknown = "backup-vm-1-disk0-20250101-000000";
  await expect(verifyBackup(disk, unknown, { keys: null })).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(verifyBackup(disk, "../x", { keys: null })).rejects.toMatchObject({ code: "BAD_REQUEST" });
});
