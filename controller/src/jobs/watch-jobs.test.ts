import { expect, it } from "vitest";
import { openHeartbeats } from "../services/metrics/heartbeats.ts";
import { watchJobs } from "./watch-jobs.ts";

it("a job's good ends and failures are noted; its failure stays one, and a stop is none", async () => {
  const heartbeats = openHeartbeats();
  const ends = [() => undefined, () => Promise.reject(new Error("full")), () => Promise.reject(new Error("stopped"))];
  const [job] = watchJobs([{ name: "purge", everyMs: 1000, run: async () => await ends.shift()?.() }], heartbeats);
  const counts = () => heartbeats.all().map(({ job, runs, failures }) => [job, runs, failures]);
  const stop = new AbortController();
  await job?.run(stop.signal);
  expect(counts()).toEqual([["purge", 1, 0]]);
  await expect(job?.run(stop.signal)).rejects.toThrow("full");
  stop.abort();
  await expect(job?.run(stop.signal)).rejects.toThrow("stopped");
  expect(counts()).toEqual([["purge", 2, 1]]);
});

it("a job that takes long says that it got on", async () => {
  let at = 0;
  const heartbeats = openHeartbeats(() => at);
  const long = async (_: AbortSignal, advanced?: () => void) => {
    at = 400_000;
    advanced?.();
  };
  const [job] = watchJobs([{ name: "retention", everyMs: 60_000, run: long }], heartbeats);
  const running = job?.run(new AbortController().signal);
  expect(heartbeats.all()).toMatchObject([{ quietSeconds: 0, runs: 0 }]);
  await running;
});
