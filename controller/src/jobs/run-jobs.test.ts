import { Writable } from "node:stream";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Job, type Jobs, runJobs } from "./run-jobs.ts";

describe("jobs", () => {
  let running: Jobs | undefined;
  let lines: { job: string; retry_ms: number; err: { message: string } }[];
  const log = pino(
    {},
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(JSON.parse(chunk.toString()));
        done();
      },
    }),
  );
  const start = (...jobs: Job[]) => {
    running = runJobs(jobs, log);
  };

  beforeEach(() => {
    lines = [];
    vi.useFakeTimers();
  });
  afterEach(async () => {
    const stopped = running?.stop();
    await vi.runAllTimersAsync();
    await stopped;
    vi.useRealTimers();
  });

  it("run again after a pause that begins with their end, so that no job meets itself", async () => {
    let under = 0;
    const begun: number[] = [];
    const run = async () => {
      begun.push(Date.now() - at);
      expect(++under).toBe(1);
      await new Promise((done) => setTimeout(done, 5000));
      under -= 1;
    };
    const at = Date.now();
    start({ name: "slow", everyMs: 1000, firstMs: 10, run });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(begun).toEqual([10, 6010, 12_010, 18_010]);
  });

  it("that fail are logged and tried again soon, then later and later, but not later than usual", async () => {
    const at = Date.now();
    const begun: number[] = [];
    const run = async () => {
      begun.push(Date.now() - at);
      if (begun.length !== 6) throw new Error("the disk is full");
    };
    start({ name: "purge", everyMs: 5000, run });
    await vi.advanceTimersByTimeAsync(30_000);
    // Pauses of 1, 2, 4, 5, 5 s after the failures, of 5 s after the success at 22 s, then from 1 s again.
    expect(begun).toEqual([5000, 6000, 8000, 12_000, 17_000, 22_000, 27_000, 28_000, 30_000]);
    expect(lines[0]).toMatchObject({ job: "purge", retry_ms: 1000, err: { message: "the disk is full" } });
  });

  it("do not keep each other waiting", async () => {
    let quick = 0;
    const never = Promise.withResolvers<void>();
    start(
      { name: "stuck", everyMs: 10, run: () => never.promise },
      {
        name: "quick",
        everyMs: 10,
        run: async () => {
          quick += 1;
        },
      },
    );
    await vi.advanceTimersByTimeAsync(100);
    expect(quick).toBe(10);
    never.resolve();
  });

  it("are stopped: the one under way is told and waited for, its failure is none", async () => {
    let ended = false;
    const run = async (signal: AbortSignal) => {
      await new Promise((done) => signal.addEventListener("abort", done));
      await new Promise((done) => setTimeout(done, 100));
      ended = true;
      signal.throwIfAborted();
    };
    start({ name: "long", everyMs: 10, run });
    await vi.advanceTimersByTimeAsync(20);
    const stopped = running?.stop();
    await vi.advanceTimersByTimeAsync(99);
    expect(ended).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await stopped;
    expect([ended, lines, vi.getTimerCount()]).toEqual([true, [], 0]);
  });
});
