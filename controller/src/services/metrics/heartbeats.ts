/** Whether what the controller does by itself is still done: when each of its jobs last ended well. */

export type Heartbeat = {
  job: string;
  /** Since its last good end, or since it got on; since it was first watched when there was none. */
  quietSeconds: number;
  /** So long it may be quiet. */
  limitSeconds: number;
  runs: number;
  failures: number;
};

export type Heartbeats = {
  /** Begins to watch a job; what comes back notes how each of its runs ended, and that a long one got on. */
  watch: (job: string, everyMs: number) => Record<"ended" | "failed" | "advanced", () => void>;
  all: () => Heartbeat[];
  /** Those that were quiet for too long. */
  late: () => Heartbeat[];
};

/** A job may take its time, and may fail a few times: only one that stands still is told of. */
const LEAST_LIMIT_MS = 5 * 60_000;

/** `elapsedMs`: of a clock that nobody sets. */
export function openHeartbeats(elapsedMs: () => number = () => performance.now()): Heartbeats {
  const jobs = new Map<string, { everyMs: number; lastMs: number; runs: number; failures: number }>();
  const all = () =>
    [...jobs].map(([job, { everyMs, lastMs, runs, failures }]) => ({
      ...{ job, runs, failures, quietSeconds: (elapsedMs() - lastMs) / 1000 },
      limitSeconds: (everyMs + Math.max(2 * everyMs, LEAST_LIMIT_MS)) / 1000,
    }));
  return {
    watch(job, everyMs) {
      const state = { everyMs, lastMs: elapsedMs(), runs: 0, failures: 0 };
      jobs.set(job, state);
      return {
        ended() {
          state.lastMs = elapsedMs();
          state.runs += 1;
        },
        failed() {
          state.runs += 1;
          state.failures += 1;
        },
        advanced() {
          state.lastMs = elapsedMs();
        },
      };
    },
    all,
    late: () => all().filter(({ quietSeconds, limitSeconds }) => quietSeconds > limitSeconds),
  };
}
