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
