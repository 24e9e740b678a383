/** Whether what the controller does by itself is still done: when each of its jobs last ended well. */

export type Heartbeat = {
  job: string;
  /** Since the run under way got on, else since its last good end; since it was first watched when there was none. */
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

type State = { everyMs: number; lastMs: number; advancedMs: number | null; runs: number; failures: number };

/** A job may take its time, and may fail a few times: only one that stands still is told of. */
const LEAST_LIMIT_MS = 5 * 60_000;

/** `elapsedMs`: of a clock that nobody sets. */
export function openHeartbeats(elapsedMs: () => number = () => performance.now()): Heartbeats {
  const jobs = new Map<string, State>();
  const all = () =>
    [...jobs].map(([job, { everyMs, lastMs, advancedMs, runs, failures }]) => ({
      ...{ job, runs, failures, quietSeconds: (elapsedMs() - (advancedMs ?? lastMs)) / 1000 },
      limitSeconds: (everyMs + Math.max(2 * everyMs, LEAST_LIMIT_MS)) / 1000,
    }));
  return {
    watch(job, everyMs) {
      const state: State = { everyMs, lastMs: elapsedMs(), advancedMs: null, runs: 0, failures: 0 };
      jobs.set(job, state);
      return {
        ended() {
          state.lastMs = elapsedMs();
          state.advancedMs = null;
          state.runs += 1;
        },
        failed() {
          // One that gets on a little each time and fails each time never comes to its end.
          state.advancedMs = null;
          state.runs += 1;
          state.failures += 1;
        },
        advanced() {
          state.advancedMs = elapsedMs();
        },
      };
    },
    all,
    late: () => all().filter(({ quietSeconds, limitSeconds }) => quietSeconds > limitSeconds),
  };
}
