import { HoldfastError } from "../errors.ts";
import type { Qmp } from "./qmp.ts";

/** Bytes done and bytes in all, as QEMU counts them; `total` can grow while a job runs. */
export type JobProgress = { done: number; total: number };

export type JobOptions = {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: JobProgress) => void) | undefined;
};

type JobInfo = { id: string; status: string; "current-progress": number; "total-progress": number; error?: string };

const POLL_MS = 250;

async function queryJob(qmp: Qmp, id: string): Promise<JobInfo | undefined> {
  const jobs = (await qmp.execute("query-jobs")) as JobInfo[];
  return jobs.find((job) => job.id === id);
}

/** Resolves at the job's next change of state, or after a while, whichever is first. */
function nextChange(qmp: Qmp, id: string): { changed: Promise<void>; forget: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, POLL_MS);
  const forget = qmp.onEvent(({ event, data }) => {
    if (event === "JOB_STATUS_CHANGE" && data["id"] === id) resolve();
  });
  return {
    changed: promise,
    forget: () => {
      clearTimeout(timer);
      forget();
    },
  };
}

function jobFailure(id: string, error: string): HoldfastError {
  if (/no space left|disk quota/i.test(error)) {
    const remedy = "Free space in the repository or raise its quota, then run the backup again.";
    return new HoldfastError("NO_SPACE", { message: "the repository has no space left", remedy, details: error });
  }
  const remedy = "See whether the source can be read and the repository be written (dmesg, the NBD server's log).";
  return new HoldfastError("IO_ERROR", { message: `QEMU's job ${id} failed: ${error}`, remedy, details: error });
}

/**
 * Waits for a job that was started with `auto-dismiss: false` to conclude, then dismisses it. Throws NO_SPACE or
 * IO_ERROR with QEMU's reason, or CANCELLED when `signal` fires (the job is then cancelled and gone).
 * Concluded is not "on disk": the target node must be removed and the file synced after this.
 */
export async function waitForJob(qmp: Qmp, id: string, options: JobOptions): Promise<JobProgress> {
  let cancelled = false;
  for (;;) {
    const wait = nextChange(qmp, id);
    try {
      const job = await queryJob(qmp, id);
      if (!job) throw new HoldfastError("QMP_FAILED", { message: `QEMU's job ${id} vanished` });
      const progress = { done: job["current-progress"], total: job["total-progress"] };
      options.onProgress?.(progress);
      if (job.status === "concluded") {
        await qmp.execute("job-dismiss", { id });
        if (cancelled) throw new HoldfastError("CANCELLED", { message: "cancelled" });
        if (job.error !== undefined) throw jobFailure(id, job.error);
        return progress;
      }
      if (options.signal?.aborted && !cancelled) {
        cancelled = true;
        await qmp.execute("job-cancel", { id });
      }
      await wait.changed;
    } finally {
      wait.forget();
    }
  }
}
