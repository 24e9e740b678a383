/** Runs the host's jobs when they are due, controller reachable or not. What is done is decided by the machine alone. */
import type { HostPlan } from "@holdfast/protocol";
import { HoldfastError } from "../../errors.ts";
import type { RunRecord } from "../../runner/run-record.ts";
import type { Work } from "../work.ts";
import { type Board, planJobs, type SchedulerPorts } from "./board.ts";
import { flush } from "./flush.ts";

export type Scheduler = Work & {
  /** What is planned from now on. Throws what noting it throws; it holds all the same. */
  plan(plans: readonly HostPlan[]): void;
  /** Does what is due; answers when to look again at the latest. What cannot be noted is thrown, and done later. */
  tick(): Date | null;
};

/** `runs`: the ledger as it is at the start, its lost runs noticed. */
export function createScheduler(ports: SchedulerPorts, runs: readonly RunRecord[]): Scheduler {
  const noted = ports.notebook.all();
  const board: Board = { ports, entries: new Map(), noted, runs, isFirstPlan: true, draining: false };
  const { entries } = board;
  let lastLook = ports.now();
  const stop = (which: (run: { begun: boolean }) => boolean): void => {
    board.draining = true;
    const reason = new HoldfastError("CANCELLED", { message: "the agent stops" });
    for (const { run } of entries.values()) if (run !== null && which(run)) run.abort.abort(reason);
  };
  const look = (): void => {
    const at = ports.now();
    const isBack = at < lastLook;
    lastLook = at;
    flush(
      board,
      ({ state, events, wakeAt }) =>
        events.length > 0 || (state.kind !== "running" && (isBack || wakeAt <= at.getTime())),
    );
  };
  return {
    plan: (plans) => {
      try {
        // What is due by now was due by the plans of before.
        look();
      } finally {
        planJobs(board, plans);
      }
    },
    tick: () => {
      look();
      const next = Math.min(...[...entries.values()].map(({ wakeAt }) => wakeAt), Number.POSITIVE_INFINITY);
      return Number.isFinite(next) ? new Date(next) : null;
    },
    drain: () => stop(({ begun }) => !begun),
    cancelAll: () => stop(() => true),
    idle: async () => {
      await Promise.all([...entries.values()].map(({ run }) => run?.done));
    },
  };
}
