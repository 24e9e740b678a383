import { open } from "node:fs/promises";
import { afterEach, expect, test } from "vitest";
import { firstL2Table, flipBit, hostOffset } from "../../../test/helpers/damage-backups.ts";
import { type HandMade, idOf, makeBackups, TEST_KEYS } from "../../../test/helpers/hand-made-backups.ts";
import { verifyBackup } from "./verify.ts";

const MIB = 1024 * 1024;
let made: HandMade;
afterEach(() => made.remove());

test("an encrypted chain passes with its keys, also one inside which something is compressed", async () => {
  const writes = [["write -P 5 0 1M", "write -c -P 6 4M 64k"], ["write -P 7 64k 64k"]];
  made = await makeBackups({ diskSize: 8 * MIB, encrypted: true, writes });
  const disk = await made.read();
  const passed = await verifyBackup(disk, idOf(1), { keys: TEST_KEYS });
  expect(passed).toMatchObject({ status: "passed", cached: false, bytes_checked: MIB + 65_536 });

  const locked = await verifyBackup(disk, idOf(1), { keys: null });
  expect(locked).toMatchObject({ status: "error", findings: [] });
  expect(locked.reason).toMatch(/encrypted and there is no key .*key-1.*import its recovery key/s);

  const otherPassphrase = { ...TEST_KEYS, passphrase: Buffer.from("another") };
  const wrong = await verifyBackup(disk, idOf(1), { keys: otherPassphrase });
  expect(wrong).toMatchObject({ status: "error", findings: [] });
  expect(wrong.reason).toMatch(/does not open/);

  const otherMapKey = { ...TEST_KEYS, mapKey: Buffer.alloc(32, 8) };
  expect(await verifyBackup(disk, idOf(1), { keys: otherMapKey })).toMatchObject({ status: "error", findings: [] });

  await flipBit(made.pathOf(0), 3 * MIB);
  const damaged = await verifyBackup(await made.read(), idOf(1), { keys: TEST_KEYS });
  expect(damaged).toMatchObject({ status: "failed" });
  expect(damaged.findings[0]).toMatchObject({ code: "IMAGE_DIGEST", file: `${idOf(0)}.qcow2` });
});

test("a compressed chain passes, and a flipped bit in what is compressed is found with its place", async () => {
  const writes = [["write -c -P 5 0 64k", "write -c -P 6 4M 64k"], ["write -c -P 7 64k 64k"]];
  made = await makeBackups({ diskSize: 8 * MIB, compressed: true, writes });
  expect(await verifyBackup(await made.read(), idOf(1), { keys: null })).toMatchObject({
    status: "passed",
    bytes_checked: 3 * 65_536,
  });
  const cluster = await hostOffsetOfCompressed(made.pathOf(0));
  // In a literal (other data) and in a block's length (no data at all).
  for (const [at, code] of [
    [11, "CONTENT_MISMATCH"],
    [9, "READ_ERROR"],
  ] as const) {
    await flipBit(made.pathOf(0), cluster + at);
    const { findings } = await verifyBackup(await made.read(), idOf(1), { keys: null });
    expect(findings.map((one) => one.code)).toEqual(["IMAGE_DIGEST", code]);
    expect(findings[1]).toMatchObject({ offset: 0, length: 65_536 });
    await flipBit(made.pathOf(0), cluster + at);
  }
});

async function hostOffsetOfCompressed(path: string): Promise<number> {
  await using file = await open(path, "r");
  const { buffer } = await file.read(Buffer.alloc(8), 0, 8, await firstL2Table(path));
  return Number(buffer.readBigUInt64BE() & 0x003f_ffff_ffff_ffffn);
}

test("in a memory file system the result says that the medium was not read", async () => {
  made = await makeBackups({ diskSize: MIB, writes: [["write -P 5 0 256k"]], under: "/dev/shm" });
  const result = await verifyBackup(await made.read(), idOf(0), { keys: null });
  expect(result).toMatchObject({ status: "passed", cached: true });
  expect(result.reason).toMatch(/through the page cache/);
});

test("damage beyond the bound of findings is counted", async () => {
  const writes = [Array.from({ length: 120 }, (_, at) => `write -P 9 ${at * 128}k 64k`)];
  made = await makeBackups({ diskSize: 16 * MIB, writes });
  for (let at = 0; at < 120; at++) await flipBit(made.pathOf(0), await offsetOf(at));
  const result = await verifyBackup(await made.read(), idOf(0), { keys: null });
  expect(result.findings).toHaveLength(100);
  expect(result.findings_total).toBe(120);
  expect(result.reason).toMatch(/and 119 more/);
});

/** Clusters are written one after another, so that one look at the map tells where all are. */
async function offsetOf(at: number): Promise<number> {
  first ??= await hostOffset(made.pathOf(0), 0);
  return first + at * 65_536;
}
let first: number | undefined;
