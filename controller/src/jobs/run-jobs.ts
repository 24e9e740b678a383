/** The controller's clockwork: each job again and again, with a pause after its end, so that it never meets itself. */
import type { Logger } from "pino";
import { inBackground } from "../store/precedence.ts";

export type Job = {
  name: string;
  /** Pause after a run that went well; the first run comes after `firstMs` (default: the same). */
  everyMs: number;
  firstMs?: number;
  /**
   * `signal` is aborted when the jobs are stopped: end soon. What it throws is logged, and it is tried again.
   * `advanced` is to be called by one that may take minutes, whenever it got on: it does not stand still.
   */
  run: (signal: AbortSignal, advanced?: () => void) => Promise<void>;
};
export type Jobs = {
  /** Waits for the runs under way. */
  stop: () => Promise<void>;
};

const FIRST_RETRY_MS = 1000;

/** Starts them. A job that fails is tried again after a second, then two, four, … but never later than its usual pause. */
export function runJobs(jobs: readonly Job[], log: Logger): Jobs {
  const stopping = new AbortController();
  const loops = jobs.map((job) => repeat(job, log, stopping.signal));
  return {
    async stop() {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}

async function repeat(job: Job, log: Logger, signal: AbortSignal): Promise<void> {
  let pauseMs = job.firstMs ?? job.everyMs;
  let retryMs = FIRST_RETRY_MS;
  for (;;) {
    await pause(pauseMs, signal);
    if (signal.aborted) return;
    try {
      await inBackground(() => job.run(signal));
      pauseMs = job.everyMs;
      retryMs = FIRST_RETRY_MS;
    } catch (error) {
      if (signal.aborted) return;
      pauseMs = Math.min(retryMs, job.everyMs);
      retryMs *= 2;
      log.error({ job: job.name, err: error, retry_ms: pauseMs }, "a job failed");
    }
  }
}

/** Ends early with the signal. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });
}
