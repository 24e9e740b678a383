import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { idOf, makeBackups, startAgentScript } from "../../../test/helpers/hand-made-backups.ts";
import { makeScratch, tidyScratch } from "./scratch.ts";

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "holdfast-scratch-"));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

test("what a drill killed in the middle left is removed, once its process is gone", async () => {
  const made = await makeBackups({ diskSize: 4 * 1024 * 1024, writes: [["write -P 5 0 3M"]] });
  try {
    const drill = startAgentScript(`
      const { drillBytes } = await import("./agent/src/drills/bytes.ts");
      const { readDisk } = await import("./agent/src/repository/catalogue.ts");
      const disk = await readDisk(${JSON.stringify(made.repository)}, { vmContextId: "vm-1", diskId: 0 });
      const scratch = { scratchFolder: ${JSON.stringify(parent)}, maxScratchBytes: 2 ** 30, timeoutMs: 60_000 };
      await drillBytes(disk, ${JSON.stringify(idOf(0))}, { keys: null, ...scratch, speedLimit: 200_000 });
    `);
    await expect.poll(() => restoredFiles(), { timeout: 20_000 }).toEqual(["disk.raw.partial"]);
    expect(await tidyScratch(parent)).toEqual([]);
    drill.kill();
    await drill.gone;
    const [left = ""] = await readdir(parent);
    expect(await tidyScratch(parent)).toEqual([left]);
    expect(await readdir(parent)).toEqual([]);
  } finally {
    await made.remove();
  }
});

async function restoredFiles(): Promise<string[]> {
  const [folder] = await readdir(parent);
  return folder === undefined ? [] : await readdir(join(parent, folder));
}

test("only folders that a dead drill made are touched", async () => {
  await using mine = await makeScratch(parent);
  const others = ["holdfast-drill-x", "holdfast-drill-1-1", "precious", `holdfast-drill-${process.ppid}-0-abcdef.bak`];
  for (const name of others) await mkdir(join(parent, name));
  await writeFile(join(parent, "holdfast-drill-99999999-1-aaaaaa"), "a file");
  await mkdir(join(parent, "holdfast-drill-99999999-1-bbbbbb"));
  expect(await tidyScratch(parent)).toEqual(["holdfast-drill-99999999-1-bbbbbb"]);
  expect(await readdir(parent)).toHaveLength(others.length + 2);
  expect(await readdir(mine.folder)).toEqual([]);
});

test("an earlier life of this process, with the same id, is dead", async () => {
  const left = `holdfast-drill-${process.pid}-123-cccccc`;
  await mkdir(join(parent, left));
  expect(await tidyScratch(parent)).toEqual([left]);
  expect(await tidyScratch(join(parent, "missing"))).toEqual([]);
});
