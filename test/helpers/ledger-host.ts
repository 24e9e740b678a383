/** A host of the simulation: the agent's own machine, with runs that take time, deaths, and a link that is not always there. */
import type { Job } from "../../agent/src/schedule/job.ts";
import { step } from "../../agent/src/schedule/machine.ts";
import { idleSince, type JobEvent, type JobState } from "../../agent/src/schedule/state.ts";
import type { Random } from "./kill-random.ts";

export type Told = { due: Date; since: Date | null } & (
  | { run: { runId: string; state: "running" | "completed" | "failed"; attempt: number; startedAt: Date } }
  | { skip: string }
);
/** What really happened: `due` and all from `since` on were begun with that run. */
export type Begun = { due: Date; since: Date | null; attempt: number; at: Date };
export type SimulatedHost = ReturnType<typeof simulatedHost>;

const MINUTE_MS = 60_000;

export function simulatedHost(job: Job, from: Date, random: Random) {
  let state: JobState = idleSince(from);
  let run: { id: string; endsAt: Date; told: Extract<Told, { run: object }> } | null = null;
  let wakeAt: Date | null = from;
  let runs = 0;
  const begun: Begun[] = [];
  const spool: Told[] = [];

  function happen(event: JobEvent, now: Date): void {
    const stepped = step(job, state, event, now);
    state = stepped.state;
    wakeAt = null;
    for (const effect of stepped.effects) {
      if (effect.type === "wake") wakeAt = effect.at;
      else if (effect.type === "skip") spool.push({ due: effect.due, since: effect.since, skip: effect.reason });
      else begin(effect, now);
    }
  }

  function begin({ due, since, attempt }: { due: Date; since: Date | null; attempt: number }, now: Date): void {
    runs += 1;
    const facts = { runId: `run ${runs}`, state: "running", attempt, startedAt: now } as const;
    run = {
      id: facts.runId,
      endsAt: new Date(now.getTime() + (1 + random.below(50)) * MINUTE_MS),
      told: { due, since, run: facts },
    };
    begun.push({ due, since, attempt, at: now });
    spool.push(run.told);
  }

  function end(outcome: "completed" | "failed"): void {
    if (run !== null) spool.push({ ...run.told, run: { ...run.told.run, state: outcome } });
    run = null;
  }

  return {
    begun,
    spool,
    isRunning: () => run !== null,
    nextAt: (): Date | null => run?.endsAt ?? wakeAt,
    /** Whatever has come by now happens; only while it is up and its scheduler lives. */
    act(now: Date): void {
      if (run !== null && run.endsAt <= now) {
        const failed = random.below(10) === 0;
        end(failed ? "failed" : "completed");
        happen({ type: "ended", outcome: failed ? "failed" : "done", random: 0.5 }, now);
      } else if (run === null) happen({ type: "time" }, now);
    },
    /** It is killed; it will say of its run that it failed. */
    kill: () => end("failed"),
    start(now: Date): void {
      happen(state.kind === "running" ? { type: "found", run: "failed", random: 0.5 } : { type: "time" }, now);
    },
  };
}
