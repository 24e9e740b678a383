import type { Heartbeats } from "../services/metrics/heartbeats.ts";
import type { Job } from "./run-jobs.ts";

/** The same jobs, and how their runs end is noted. */
export function watchJobs(jobs: readonly Job[], heartbeats: Heartbeats): Job[] {
  return jobs.map((job) => {
    const beat = heartbeats.watch(job.name, Math.max(job.everyMs, job.firstMs ?? 0));
    return {
      ...job,
      async run(signal) {
        try {
          await job.run(signal, beat.advanced);
          beat.ended();
        } catch (error) {
          if (!signal.aborted) beat.failed();
          throw error;
        }
      },
    };
  });
}
