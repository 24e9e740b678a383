import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readDisk } from "../../agent/src/repository/catalogue.ts";
import { makeRawDisk, noise, readImage, runProgram, sha256, succeeds, writeAt } from "../helpers/disks.ts";
import { type Bench, inventory, only, openBench, refusal, restoreByQemuImg } from "../helpers/engine.ts";
import { startScript } from "../helpers/scripts.ts";

const MIB = 2 ** 20;

describe("ids", () => {
  it.for(["../vm", "..", ".", "a/b", "/etc", "", "x".repeat(65), "a\u0000b", "-rf"])(
    "%j is no id of a VM, and nothing is written",
    async (vmContextId) => {
      await using bench = await openBench();
      await makeRawDisk(join(bench.disks, "disk.raw"), MIB);
      const before = await inventory(bench.repository);
      const error = await refusal(bench.backup({ vmContextId }));
      expect(error).toMatchObject({ code: "BAD_REQUEST", remedy: expect.stringMatching(/id/) });
      expect(await inventory(bench.repository)).toEqual(before);
    },
  );
});

describe("time", () => {
  let bench: Bench;
  let disk: string;
  let round = 0;
  beforeAll(async () => {
    bench = await openBench();
    disk = join(bench.disks, "disk.raw");
    await makeRawDisk(disk, MIB, { 0: noise(1000, 1) });
    await bench.backup();
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  const at = async (time: string): Promise<Awaited<ReturnType<Bench["backup"]>>> => {
    await writeAt(disk, 0, noise(100, ++round));
    bench.clock.now = new Date(Date.parse(time) - 60_000);
    return await bench.backup();
  };

  it("that jumps by years, forwards and back, breaks no chain", async () => {
    const first = only(await at("2041-01-01T00:00:00Z"));
    const second = only(await at("1999-12-31T23:59:59Z"));
    const third = only(await at("2026-05-02T00:00:00Z"));
    expect([second.parent_backup_id, third.parent_backup_id]).toEqual([first.backup_id, second.backup_id]);
    expect(third.chain_position).toBe(3);
    expect(third.duration_seconds).toBeGreaterThan(0);
    expect(third.duration_seconds).toBeLessThan(60);
    expect(sha256(await restoreByQemuImg(bench.diskFolder, third))).toBe(sha256(await readImage(disk, "raw")));
  });

  it("that stands still names two backups and two restore points apart", async () => {
    const first = await at("2026-06-01T12:00:00Z");
    const second = await at("2026-06-01T12:00:00.900Z");
    expect(only(second).backup_id).toBe(`${only(first).backup_id}-2`);
    expect(second.restorePointId).not.toBe(first.restorePointId);
    expect(only(second).restore_point_id).toBe(second.restorePointId);
    expect(only(second).parent_backup_id).toBe(only(first).backup_id);
  });
});

describe("two runs of one item", () => {
  it("at once, in two processes: the second is told who is busy, the first is not disturbed", async () => {
    await using bench = await openBench();
    const disk = join(bench.disks, "disk.raw");
    await makeRawDisk(disk, 4 * MIB, { 0: noise(4 * MIB, 1) });
    await using other = startScript("back-up-once", [bench.repository.path, bench.disks, disk, `${2 * MIB}`]);
    expect(await other.line()).toMatch(/scan|copy/);
    const busy = await refusal(bench.backup());
    expect(busy).toMatchObject({ code: "BUSY", remedy: expect.stringMatching(/Wait/) });
    let answer = await other.line();
    while (!answer.startsWith("{")) answer = await other.line();
    expect(JSON.parse(answer).code).toBe("done");
    expect(only(await bench.backup()).backup_type).toBe("incremental");
  });

  it("of which the first was killed: the second tidies up and goes on", async () => {
    await using bench = await openBench();
    const disk = join(bench.disks, "disk.raw");
    await makeRawDisk(disk, 4 * MIB, { 0: noise(4 * MIB, 1) });
    await bench.backup();
    const before = await inventory(bench.repository);
    await writeAt(disk, 0, noise(4 * MIB, 2));
    await using other = startScript("back-up-once", [bench.repository.path, bench.disks, disk, `${2 * MIB}`]);
    expect(await other.line()).toMatch(/scan|copy/);
    await other.kill("SIGKILL");
    expect(Object.keys(await inventory(bench.repository)).length).toBeGreaterThan(Object.keys(before).length);
    const next = only(await bench.backup());
    const { findings, chains } = await readDisk(bench.repository, { vmContextId: "vm-1", diskId: 0 });
    expect(findings).toEqual([]);
    expect(chains.map((chain) => chain.backups.length)).toEqual([2]);
    expect(sha256(await restoreByQemuImg(bench.diskFolder, next))).toBe(sha256(await readImage(disk, "raw")));
  });
});

/** A small file system of its own for a repository; undefined where mounting is not possible. */
async function mountSmall(size: string): Promise<({ path: string } & AsyncDisposable) | undefined> {
  const folder = await runProgram("mktemp", "-d", "/tmp/holdfast-small-XXXXXX");
  const path = folder.trim();
  const dispose = async (): Promise<void> => {
    await succeeds("umount", path);
    await runProgram("rmdir", path);
  };
  if (await succeeds("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path))
    return { path, [Symbol.asyncDispose]: dispose };
  await dispose();
  return undefined;
}

describe("a repository's file system", () => {
  it.for(["full", "incremental"] as const)("has no space left for a %s", async (type, context) => {
    await using small = await mountSmall("6M");
    if (small === undefined) return context.skip("mounting a small file system needs root");
    await mkdir(join(small.path, "repository"));
    await using bench = await openBench(join(small.path, "repository"));
    const disk = join(bench.disks, "disk.raw");
    await makeRawDisk(disk, 16 * MIB, { 0: noise(MIB, 1) });
    await bench.backup();
    const before = await inventory(bench.repository);
    await writeAt(disk, 0, noise(12 * MIB, 2));
    const error = await refusal(bench.backup({ type }));
    expect(error).toMatchObject({ code: "NO_SPACE", remedy: expect.stringMatching(/[Ff]ree space/) });
    expect(await inventory(bench.repository)).toEqual(before);
    await writeAt(disk, 0, noise(MIB, 1));
    await writeAt(disk, MIB, Buffer.alloc(11 * MIB));
    const next = only(await bench.backup());
    expect(sha256(await restoreByQemuImg(bench.diskFolder, next))).toBe(sha256(await readImage(disk, "raw")));
  });

  it("has not even space for a journal", async (context) => {
    await using small = await mountSmall("3M");
    if (small === undefined) return context.skip("mounting a small file system needs root");
    await mkdir(join(small.path, "repository"));
    await using bench = await openBench(join(small.path, "repository"));
    await makeRawDisk(join(bench.disks, "disk.raw"), MIB, { 0: noise(MIB, 1) });
    await bench.backup();
    const before = await inventory(bench.repository);
    const filler = join(small.path, "filler");
    await runProgram("dd", "if=/dev/zero", `of=${filler}`, "bs=4k").catch(() => undefined);
    const error = await refusal(bench.backup());
    expect(error).toMatchObject({ code: "NO_SPACE", remedy: expect.stringMatching(/[Ff]ree space/) });
    expect(await inventory(bench.repository)).toEqual(before);
    await runProgram("rm", filler);
    expect(only(await bench.backup()).backup_type).toBe("incremental");
  });

  it("can only be read", async (context) => {
    await using small = await mountSmall("8M");
    if (small === undefined) return context.skip("mounting a small file system needs root");
    await mkdir(join(small.path, "repository"));
    await using bench = await openBench(join(small.path, "repository"));
    await makeRawDisk(join(bench.disks, "disk.raw"), MIB, { 0: noise(1000, 1) });
    await bench.backup();
    await runProgram("mount", "-o", "remount,ro", small.path);
    const error = await refusal(bench.backup());
    expect(error).toMatchObject({ code: "NO_PERMISSION", remedy: expect.stringMatching(/access|write/) });
    await runProgram("mount", "-o", "remount,rw", small.path);
    expect(only(await bench.backup()).backup_type).toBe("incremental");
  });

  it("is not mounted", async () => {
    await using bench = await openBench();
    await makeRawDisk(join(bench.disks, "disk.raw"), MIB);
    await runProgram("mv", bench.repository.path, `${bench.repository.path}-away`);
    await mkdir(bench.repository.path);
    expect(await refusal(bench.backup())).toMatchObject({
      code: "REPOSITORY_INVALID",
      remedy: expect.stringMatching(/Mount/),
    });
    expect(await inventory(bench.repository)).toEqual({});
  });
});
