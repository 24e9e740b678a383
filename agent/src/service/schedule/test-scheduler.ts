/** A scheduler on a real notebook, with a clock and runs that the test moves. */
import { randomBytes } from "node:crypto";
import type { HostPlan, TaskPlan } from "@holdfast/protocol";
import { HoldfastError } from "../../errors.ts";
import type { RunRecord } from "../../runner/run-record.ts";
import type { Job } from "../../schedule/job.ts";
import { openNotebook } from "../../schedule/notebook.ts";
import type { Attempt } from "../../schedule/state.ts";
import type { SchedulerPorts } from "./board.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";

export const POLICY = "44444444-4444-4444-8444-444444444444";

const settings = { after_backup: false, which: "newest" as const, retries: 3, retry_seconds: 60 };
const proof: TaskPlan = { ...settings, schedule: null, after_backup: true };

/** Daily at 03:00 UTC, verified and drilled after it, unless `changes` says otherwise. */
export function planOf(items: string[], cron = "0 3 * * *", changes: Partial<HostPlan["tasks"]> = {}): HostPlan {
  const schedule = { cron, zone: "UTC", jitter_seconds: 0, blackouts: [], catch_up: "once" as const };
  const tasks = { backup: { ...settings, schedule }, verify: proof, drill: proof, ...changes };
  return { policy_id: POLICY, policy_version: 1, seed: "seed", items, engine: {}, tasks, closed: [] };
}

type Going = { text: string; job: Job; attempt: Attempt; end: (error?: unknown) => void; begun: () => void };

export type Bench = ReturnType<typeof makeBench>;

/** `start` begins a process: what the last one left is in the notebook and in `ledger`. */
export function makeBench(folder: string, from: Date) {
  const world = {
    now: from,
    ledger: [] as RunRecord[],
    going: [] as Going[],
    begun: [] as string[],
    skipped: [] as string[],
    log: [] as string[],
    /** Set, to have nothing told. */
    noRoom: false,
  };
  const record = (job: Job, attempt: Attempt): RunRecord => {
    const { due, since, ...rest } = attempt;
    const scheduled = {
      ...{ policy_id: job.policyId, policy_version: job.policyVersion, task: job.task, attempt: rest.attempt },
      ...{ due_at: due.toISOString(), since: since?.toISOString() ?? null },
    };
    return {
      ...{
        schema: "holdfast.run/1",
        run_id: `run-20260302-030000-x-${randomBytes(4).toString("hex")}`,
        kind: job.task,
      },
      ...{ item: job.item, subject: null, process: { pid: 1, started: "x" }, started_at: world.now.toISOString() },
      ...{ scheduled, state: "running" },
    };
  };
  const run = (job: Job, attempt: Attempt, signals: { signal: AbortSignal; begun: () => void }) => {
    const text = `${job.id} ${attempt.due.toISOString().slice(8, 16)}${attempt.attempt > 1 ? ` #${attempt.attempt}` : ""}`;
    const { promise, resolve, reject } = Promise.withResolvers<"done">();
    const going: Going = {
      ...{ text, job, attempt },
      begun: () => {
        signals.begun();
        world.begun.push(text);
        world.ledger.unshift(record(job, attempt));
      },
      end: (error) => {
        world.going = world.going.filter((one) => one !== going);
        if (error === undefined) resolve("done");
        else reject(error);
      },
    };
    signals.signal.addEventListener("abort", () => going.end(signals.signal.reason));
    world.going.push(going);
    return promise;
  };
  const start = (): { scheduler: Scheduler; kill: () => void } => {
    const { ledger } = world;
    for (const [index, one] of ledger.entries())
      if (one.state === "running")
        ledger[index] = {
          ...one,
          state: "lost",
          ended_at: one.started_at,
          error: { code: "LOST", message: "", remedy: null },
        };
    world.going = [];
    const log: SchedulerPorts["log"] = (_level, message) => void world.log.push(message);
    const notebook = openNotebook(folder, { now: world.now, log });
    const skip: SchedulerPorts["skip"] = (skips) => {
      if (world.noRoom) throw new HoldfastError("NO_SPACE", { message: "no room" });
      world.skipped.push(
        ...skips.map(({ job, skip: one }) => `${job.id} ${one.due.toISOString().slice(8, 16)} ${one.reason}`),
      );
    };
    const ports = { notebook, now: () => world.now, log, random: () => 0.5, skip, run, wake: () => undefined };
    return { scheduler: createScheduler(ports, [...ledger]), kill: () => notebook.close() };
  };
  return { world, start };
}

/** Lets ended runs be noticed. */
export async function settled(): Promise<void> {
  for (let n = 0; n < 10; n++) await Promise.resolve();
}
