import { readFile, rename, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { BackupProgress } from "../../agent/src/engines/engine.ts";
import type { HoldfastError } from "../../agent/src/errors.ts";
import { startDaemon } from "../../agent/src/exec.ts";
import { makeRawDisk, noise, readImage, runProgram, sha256, writeAt } from "../helpers/disks.ts";
import {
  type BackupWish,
  type Bench,
  fileSource,
  inventory,
  only,
  openBench,
  refusal,
  restoreByQemuImg,
} from "../helpers/engine.ts";

const MIB = 2 ** 20;
const SIZE = 8 * MIB;
/** So that there is time to disturb a backup of this disk. */
const slowly = { speedLimit: 6 * MIB };

type Disturbance = {
  /** Done once, when the backup is in this phase and has moved something. */
  when?: BackupProgress["phase"];
  type?: "full" | "incremental";
  meddle: (disk: string, bench: Bench) => unknown;
  wish?: BackupWish;
  /** Makes the disk good again. */
  repair?: (disk: string) => Promise<unknown>;
};

/** Disturbs a backup, expects that it leaves no trace, and that the next one is good. */
async function disturbed({ when = "copy", type = "full", meddle, wish, repair }: Disturbance): Promise<HoldfastError> {
  await using bench = await openBench();
  const disk = join(bench.disks, "disk.raw");
  await makeRawDisk(disk, SIZE, { 0: noise(SIZE, 1) });
  const full = only(await bench.backup());
  const before = await inventory(bench.repository);
  await writeAt(disk, 0, noise(6 * MIB, 2));
  let meddled: unknown;
  const onProgress = ({ phase, done }: BackupProgress): void => {
    if (phase === when && done > 0) meddled ??= Promise.resolve(meddle(disk, bench));
  };
  const error = await refusal(bench.backup({ ...slowly, type, ...wish }, { onProgress }));
  expect(meddled).toBeDefined();
  await meddled;
  expect(await inventory(bench.repository)).toEqual(before);
  await repair?.(disk);
  const next = only(await bench.backup({ type: "incremental" }));
  expect(next).toMatchObject({ backup_type: "incremental", parent_backup_id: full.backup_id });
  expect(sha256(await restoreByQemuImg(bench.diskFolder, next))).toBe(sha256(await readImage(disk, "raw")));
  return error;
}

describe("a source that does not stand still", () => {
  it.for(["full", "incremental"] as const)("is written to during a %s backup", async (type) => {
    const error = await disturbed({ type, meddle: (disk) => writeAt(disk, SIZE - 4096, noise(512, 3)) });
    expect(error).toMatchObject({ code: "SOURCE_CHANGED", remedy: expect.stringMatching(/QMP|stopped/) });
    expect(error.message).toContain("disk.raw");
  });

  it.for(["scan", "copy"] as const)("shrinks in the phase %s", async (when) => {
    const type = when === "scan" ? "incremental" : "full";
    const cutAndFill = (disk: string): Promise<unknown> => truncate(disk, SIZE);
    const error = await disturbed({ when, type, meddle: (disk) => truncate(disk, MIB), repair: cutAndFill });
    expect(error).toMatchObject({ code: "SOURCE_CHANGED" });
    expect(error.remedy ?? "").not.toBe("");
  });

  it("is replaced by another file, or vanishes", async () => {
    const replaced = await disturbed({
      meddle: async (disk) => {
        await runProgram("cp", disk, `${disk}.new`);
        await rename(`${disk}.new`, disk);
      },
    });
    expect(replaced.code).toBe("SOURCE_CHANGED");
    const gone = await disturbed({
      meddle: (disk) => rename(disk, `${disk}.away`),
      repair: (disk) => rename(`${disk}.away`, disk),
    });
    expect(gone.code).toBe("SOURCE_MISSING");
  });

  it("is held by a running VM", async () => {
    await using bench = await openBench();
    const disk = join(bench.disks, "disk.qcow2");
    await runProgram("qemu-img", "create", "-q", "-f", "qcow2", disk, "4M");
    const source = fileSource(disk, "qcow2", true);
    await bench.backup({ disks: [source] });
    const before = await inventory(bench.repository);
    const vm = await startVm(disk, "qcow2");
    const error = await refusal(bench.backup({ disks: [source] }));
    await vm.stop();
    expect(error).toMatchObject({ code: "SOURCE_LOCKED", remedy: expect.stringMatching(/QMP socket/) });
    expect(await inventory(bench.repository)).toEqual(before);
    expect(only(await bench.backup({ disks: [source] })).backup_type).toBe("incremental");
  });

  it("belongs to a VM that is started meanwhile: it starts, and what it wrote is not half backed up", async () => {
    let pid = 0;
    const error = await disturbed({
      wish: { speedLimit: 3 * MIB },
      meddle: async (disk) => {
        const vm = await startVm(disk, "raw");
        pid = vm.pid;
        await runProgram("sh", "-c", `sleep 0.1; kill -0 ${vm.pid}`);
        await vm.stop();
        await runProgram("qemu-io", "-f", "raw", "-c", "write -P 1 0 4k", disk);
      },
    });
    expect(pid).toBeGreaterThan(0);
    expect(error.code).toBe("SOURCE_CHANGED");
  });
});

/** A real VM with the disk open for writing; resolves once it runs. */
async function startVm(disk: string, format: string): Promise<{ pid: number; stop: () => Promise<void> }> {
  const drive = ["-drive", `file=${disk},format=${format},if=virtio`];
  const machine = ["-M", "q35", "-accel", "tcg", "-m", "64", "-nodefaults", "-display", "none"];
  const vm = await startDaemon("qemu-system-x86_64", [...machine, ...drive, "-serial", `file:${disk}.log`], {});
  const ended = vm.ended.then(({ stderr }) => Promise.reject(new Error(`the VM did not start: ${stderr}`)));
  // Looked at from outside: opening the image here could be what keeps the VM from starting.
  const { ino } = await stat(disk);
  const running = async (): Promise<void> => {
    while (!new RegExp(`OFDLCK.*:${ino} `).test(await readFile("/proc/locks", "utf8"))) await wait(20);
  };
  ended.catch(() => undefined);
  await Promise.race([running(), ended]);
  return vm;
}

describe("a job that is ended from outside", () => {
  it.for([
    ["scan", "incremental"],
    ["copy", "incremental"],
    ["copy", "full"],
  ] as const)("by cancelling it in the phase %s of a backup of type %s", async ([when, type]) => {
    await using bench = await openBench();
    const disk = join(bench.disks, "disk.raw");
    await makeRawDisk(disk, SIZE, { 0: noise(SIZE, 1) });
    await bench.backup();
    const before = await inventory(bench.repository);
    await writeAt(disk, 0, noise(6 * MIB, 2));
    const stop = new AbortController();
    let stoppedAt = 0;
    const onProgress = ({ phase, done }: BackupProgress): void => {
      if (phase !== when || done === 0 || stoppedAt > 0) return;
      stoppedAt = performance.now();
      stop.abort();
    };
    const error = await refusal(bench.backup({ ...slowly, type }, { onProgress, signal: stop.signal }));
    expect(error.code).toBe("CANCELLED");
    expect(performance.now() - stoppedAt).toBeLessThan(3000);
    expect(await inventory(bench.repository)).toEqual(before);
    expect(only(await bench.backup()).backup_type).toBe("incremental");
  });

  it("by an order to stop that was there before it began", async () => {
    await using bench = await openBench();
    await makeRawDisk(join(bench.disks, "disk.raw"), MIB);
    const error = await refusal(bench.backup({}, { signal: AbortSignal.abort() }));
    expect(error.code).toBe("CANCELLED");
    expect(Object.keys(await inventory(bench.repository))).toEqual(["holdfast-repository.json"]);
  });

  it.for(["full", "incremental"] as const)("by a kill of the storage daemon in the middle of a %s", async (type) => {
    const error = await disturbed({
      type,
      meddle: async (_disk, bench) => {
        const daemons = await runProgram("ps", "-e", "-o", "pid=,ppid=,args=");
        const own = daemons
          .split("\n")
          .filter((row) => row.includes(`holdfast-${process.pid}-`) && !row.includes("/bin/sh"));
        expect(own.length, bench.folder).toBeGreaterThan(0);
        for (const row of own) process.kill(Number(row.trim().split(/\s+/)[0]), "SIGKILL");
      },
    });
    expect(error.code).toBe("TOOL_FAILED");
    expect(error.message).toMatch(/qemu-storage-daemon/);
    expect(error.remedy ?? "").not.toBe("");
  });
});
