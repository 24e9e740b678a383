import type { StorageDaemon } from "../../qemu/daemon.ts";
import { type JobProgress, waitForJob } from "../../qemu/job.ts";
import { SOURCE_NODE } from "./source.ts";
import { TARGET_NODE } from "./target.ts";

const COPY_JOB = "copy";
/** Larger pieces than QEMU's 1 MiB: fewer, longer writes; memory stays below `max-workers` × this. */
const CHUNK_BYTES = 4 * 2 ** 20;
const WORKERS = 16;

export type CopyOptions = {
  /** Bitmap on SOURCE_NODE: what to copy. */
  bitmap: string;
  compress: boolean;
  /** Bytes a second. */
  speedLimit?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress: (progress: JobProgress) => void;
};

/** Lets QEMU copy the marked clusters from the source into the target. Throws as `waitForJob` does. */
export async function copyMarked(daemon: StorageDaemon, options: CopyOptions): Promise<void> {
  await daemon.qmp.execute("blockdev-backup", {
    "job-id": COPY_JOB,
    device: SOURCE_NODE,
    target: TARGET_NODE,
    sync: "bitmap",
    bitmap: options.bitmap,
    "bitmap-mode": "never",
    "auto-dismiss": false,
    compress: options.compress,
    ...(options.speedLimit !== undefined && { speed: options.speedLimit }),
    "x-perf": { "max-workers": WORKERS, "max-chunk": CHUNK_BYTES },
  });
  await waitForJob(daemon.qmp, COPY_JOB, { signal: options.signal, onProgress: options.onProgress });
}
