/** How far the runs are, about once a second for each. */
import type { RunProgress as ProgressFrame } from "@holdfast/protocol";
import type { RunProgress } from "../runner/context.ts";

const PROGRESS_MS = 1000;

export type ProgressFeed = { update: (progress: RunProgress) => void; stop: () => void };

/** `send` gets the newest of each run that moved; what it does not take is not kept. */
export function createProgressFeed(send: (runs: ProgressFrame[]) => void, now: () => Date): ProgressFeed {
  const newest = new Map<string, ProgressFrame>();
  let timer: NodeJS.Timeout | undefined;
  let sentAt = Number.NEGATIVE_INFINITY;
  const flush = (): void => {
    timer = undefined;
    sentAt = performance.now();
    send([...newest.values()]);
    newest.clear();
  };
  return {
    update: ({ runId: run_id, phase, diskId: disk_id, done, total }) => {
      newest.set(run_id, { run_id, phase: phase.slice(0, 64), disk_id, done, total, at: now().toISOString() });
      timer ??= setTimeout(flush, Math.max(0, sentAt + PROGRESS_MS - performance.now()));
    },
    stop: () => clearTimeout(timer),
  };
}
