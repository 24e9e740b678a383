import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Drill } from "@holdfast/protocol";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { flipBit, hostOffset, makeUnreadable } from "../../../test/helpers/damage-backups.ts";
import { copyBackups, type HandMade, idOf, makeBackups } from "../../../test/helpers/hand-made-backups.ts";
import { mapPath } from "../repository/layout.ts";
import { type DrillOptions, drillBytes } from "./bytes.ts";

const MIB = 1024 * 1024;
let template: HandMade;
let made: HandMade | undefined;

beforeAll(async () => {
  const writes = [["write -P 5 0 1M", "write -P 6 4M 100k"], ["write -P 7 64k 64k"]];
  template = await makeBackups({ diskSize: 8 * MIB, writes });
});
afterAll(() => template.remove());
afterEach(() => made?.remove());

const DATA = 18 * 65_536;

/** Drills the increment of a damaged copy, and sees that nothing of it stays behind. */
async function drilled(
  damage: (copy: HandMade) => Promise<unknown>,
  options: Partial<DrillOptions> = {},
): Promise<Drill> {
  await made?.remove();
  made = await copyBackups(template);
  await damage(made);
  const scratchFolder = join(made.root, "scratch");
  await mkdir(scratchFolder);
  const defaults = { keys: null, scratchFolder, maxScratchBytes: DATA, timeoutMs: 60_000 };
  const result = await drillBytes(await made.read(), idOf(1), { ...defaults, ...options });
  expect(await readdir(scratchFolder)).toEqual([]);
  return result;
}

const intact = async (): Promise<void> => undefined;

test("a sound point passes; the restore alone is timed", async () => {
  made = await copyBackups(template);
  const steps = new Set<string>();
  const result = await drillBytes(await made.read(), idOf(1), {
    keys: null,
    scratchFolder: made.root,
    maxScratchBytes: DATA,
    timeoutMs: 60_000,
    onProgress: ({ step }) => steps.add(step),
  });
  expect(result).toMatchObject({ status: "passed", level: "bytes", restored_bytes: DATA, findings_total: 0 });
  expect(result.restore_seconds).toBeGreaterThan(0);
  expect(result.restore_seconds).toBeLessThan(result.duration_seconds);
  expect([...steps]).toEqual(["restore", "compare"]);
});

test("content that rotted fails with its place, though it could be restored", async () => {
  const result = await drilled(async (copy) => flipBit(copy.pathOf(0), await hostOffset(copy.pathOf(0), 4 * MIB)));
  expect(result).toMatchObject({ status: "failed", findings: [{ code: "CONTENT_MISMATCH", offset: 4 * MIB }] });
  expect(result.restore_seconds).not.toBeNull();
});

test("a chain that cannot be read, a damaged map and a missing parent fail, too", async () => {
  const unreadable = await drilled(async (copy) => makeUnreadable(copy.pathOf(0), 3));
  expect(unreadable).toMatchObject({ status: "failed", restore_seconds: null, restored_bytes: 0 });
  const map = await drilled((copy) => flipBit(mapPath(copy.folder, idOf(1)), 70));
  expect(map).toMatchObject({ status: "failed", findings: [{ code: "MAP_DAMAGED" }] });
  expect(await drilled((copy) => rm(copy.pathOf(0)))).toMatchObject({ status: "failed" });
});

test("a map other than the one that was recorded elsewhere fails, however well it fits", async () => {
  const recordedMapDigest = template.sidecars[1]?.hash_map.sha256 ?? "";
  expect(await drilled(intact, { recordedMapDigest })).toMatchObject({ status: "passed" });
  const replaced = await drilled(intact, { recordedMapDigest: "0".repeat(64) });
  expect(replaced).toMatchObject({ status: "failed", findings: [{ code: "MAP_DAMAGED" }], restore_seconds: null });
});

test("too little scratch space, allowed or there, is inconclusive, and nothing was restored", async () => {
  const bounded = await drilled(intact, { maxScratchBytes: DATA - 1 });
  expect(bounded).toMatchObject({ status: "inconclusive", restore_seconds: null, findings: [] });
  expect(bounded.reason).toMatch(/drills may use/);
  const missing = await drilled(intact, { scratchFolder: "/nonexistent" });
  expect(missing).toMatchObject({ status: "inconclusive" });
});

test("a time-out, cancelling, and a missing tool are inconclusive", async () => {
  const late = await drilled(intact, { timeoutMs: 400, speedLimit: 256 * 1024 });
  expect(late).toMatchObject({ status: "inconclusive", reason: "time-out", restore_seconds: null });
  const stop = new AbortController();
  const onProgress = (): void => stop.abort();
  const cancelled = await drilled(intact, { signal: stop.signal, onProgress });
  expect(cancelled).toMatchObject({ status: "inconclusive", reason: "cancelled" });
  const { PATH } = process.env;
  try {
    process.env["PATH"] = template.folder;
    expect(await drilled(intact)).toMatchObject({
      status: "inconclusive",
      reason: expect.stringMatching(/qemu-img is not installed/),
    });
  } finally {
    process.env["PATH"] = PATH;
  }
});

test("scratch space is private while it is used", async () => {
  let mode = 0;
  const onProgress = async (): Promise<void> => {
    const [name = ""] = await readdir(join(made?.root ?? "", "scratch"));
    mode ||= (await stat(join(made?.root ?? "", "scratch", name))).mode & 0o777;
  };
  await drilled(intact, { onProgress: () => void onProgress().catch(() => undefined) });
  expect(mode).toBe(0o700);
});

test("a backup that does not exist is no result", async () => {
  const scratch = { scratchFolder: template.root, maxScratchBytes: DATA, timeoutMs: 60_000 };
  const drilling = drillBytes(await template.read(), "backup-vm-1-disk0-20250101-000000", { keys: null, ...scratch });
  await expect(drilling).rejects.toMatchObject({ code: "NOT_FOUND" });
});
