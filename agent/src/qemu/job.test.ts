import { describe, expect, it } from "vitest";
import { type StorageDaemon, startStorageDaemon } from "./daemon.ts";
import { waitForJob } from "./job.ts";

const SIZE = 64 * 2 ** 20;

/** A copy from nothing to nothing, as slow as its speed. */
async function startCopy(daemon: StorageDaemon, speed: number, target: Record<string, unknown> = {}): Promise<void> {
  await daemon.addNode({ driver: "null-co", "node-name": "from", size: SIZE, "read-zeroes": false });
  await daemon.addNode({ driver: "null-co", "node-name": "to", size: SIZE, ...target });
  const job = { "job-id": "copy", device: "from", target: "to", sync: "full", speed, "auto-dismiss": false };
  await daemon.qmp.execute("blockdev-backup", job);
}

describe("a job", () => {
  it("is waited for, with its progress, and is gone then", async () => {
    await using daemon = await startStorageDaemon();
    await startCopy(daemon, 0);
    const seen: number[] = [];
    const end = await waitForJob(daemon.qmp, "copy", { onProgress: ({ done }) => seen.push(done) });
    expect(end).toEqual({ done: SIZE, total: SIZE });
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(SIZE);
    expect(await daemon.qmp.execute("query-jobs")).toEqual([]);
  });

  it("is cancelled by a signal, soon, and is gone then", async () => {
    await using daemon = await startStorageDaemon();
    await startCopy(daemon, 2 ** 20);
    const started = performance.now();
    const job = waitForJob(daemon.qmp, "copy", { signal: AbortSignal.timeout(100) });
    await expect(job).rejects.toMatchObject({ code: "CANCELLED" });
    expect(performance.now() - started).toBeLessThan(3000);
    expect(await daemon.qmp.execute("query-jobs")).toEqual([]);
  });

  it.for([
    [28, "NO_SPACE", /Free space/],
    [5, "IO_ERROR", /dmesg/],
  ] as const)("that fails with error number %i is a %s", async ([errno, code, remedy]) => {
    await using daemon = await startStorageDaemon();
    const error = { event: "write_aio", errno, once: false, immediately: true };
    const image = { driver: "null-co", size: SIZE };
    await daemon.addNode({ driver: "blkdebug", "node-name": "bad", image, "inject-error": [error] });
    await startCopy(daemon, 0, { driver: "raw", file: "bad", size: undefined });
    await expect(waitForJob(daemon.qmp, "copy", {})).rejects.toMatchObject({ code, remedy });
    expect(await daemon.qmp.execute("query-jobs")).toEqual([]);
  });

  it("of a daemon that dies ends with an error that the daemon explains", async () => {
    await using daemon = await startStorageDaemon();
    await startCopy(daemon, 2 ** 20);
    const ended = waitForJob(daemon.qmp, "copy", {}).catch((error: unknown) => daemon.explain(error));
    await daemon.qmp.execute("object-add", { "qom-type": "no-such-type", id: "x" }).catch(() => undefined);
    await daemon[Symbol.asyncDispose]();
    expect(await ended).toMatchObject({ code: "TOOL_FAILED", message: expect.stringMatching(/SIGTERM|exit code/) });
  });
});
