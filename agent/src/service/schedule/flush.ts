/** Steps jobs, notes where they stand, and only then begins what is to begin. */
import { asHoldfastError, type ErrorCode, type HoldfastError } from "../../errors.ts";
import { step } from "../../schedule/machine.ts";
import type { Attempt, JobEffect, JobEvent, JobState } from "../../schedule/state.ts";
import { askForProofs, type Board, type Entry, noteOf } from "./board.ts";

/** Nothing is gained by trying these again. */
const NOT_HEALING: readonly ErrorCode[] = [
  "BAD_REQUEST",
  "NOT_FOUND",
  "SOURCE_NOT_ALLOWED",
  "REPOSITORY_NOT_ALLOWED",
  "CANCELLED",
];

/** Steps these jobs by what has happened to them, or by the time. What cannot be told or noted is thrown, and stays to be done. */
export function flush(board: Board, wanted: (entry: Entry) => boolean): void {
  const { ports, entries } = board;
  const at = ports.now();
  const stepped = [...entries.values()].filter(wanted).map((entry) => ({ entry, ...stepAll(entry, at) }));
  const skips = stepped.flatMap(({ entry: { job }, effects }) =>
    effects.flatMap((effect) => (effect.type === "skip" ? [{ job, skip: effect }] : [])),
  );
  if (skips.length > 0) ports.skip(skips);
  const changed = stepped.filter(({ entry, state }) => state !== entry.state);
  if (changed.length > 0) ports.notebook.put(changed.map(({ entry, state }) => noteOf(entry, state)));
  for (const { entry, state, effects } of stepped) {
    const wake = effects.find(({ type }) => type === "wake");
    Object.assign(entry, { state, events: [], wakeAt: wake?.type === "wake" ? wake.at.getTime() : Infinity });
    for (const effect of effects) if (effect.type === "start" && !board.draining) begin(board, entry, effect);
  }
}

function stepAll({ job, state: known, events }: Entry, at: Date): { state: JobState; effects: JobEffect[] } {
  const all: JobEvent[] = events.length === 0 ? [{ type: "time" }] : events;
  let state = known;
  let effects: JobEffect[] = [];
  for (const event of all) {
    const stepped = step(job, state, event, at);
    state = stepped.state;
    effects = [...effects.filter(({ type }) => type !== "wake"), ...stepped.effects];
  }
  return { state, effects };
}

function begin(board: Board, entry: Entry, { due, since, attempt }: Attempt): void {
  const { ports } = board;
  const { job } = entry;
  const run = { abort: new AbortController(), begun: false, done: Promise.resolve() };
  const begun = (): void => {
    run.begun = true;
  };
  ports.log("info", `${job.task} of ${job.item} was due ${due.toISOString()}`, { policy_id: job.policyId, attempt });
  const work = ports.run(job, { due, since, attempt }, { signal: run.abort.signal, begun });
  run.done = work.then(
    (end) => ended(board, entry, { outcome: "done", random: ports.random() }, end === "done" ? due : null),
    (error: unknown) => {
      const known = asHoldfastError(error, `${job.task} of ${job.item}`);
      ports.log("warn", `${job.task} of ${job.item} ended: ${known.message}`, { code: known.code, attempt });
      entry.run = null;
      // The next start goes on with what this one was called off from.
      if (run.abort.signal.aborted) return;
      ended(board, entry, { outcome: outcomeOf(known), random: ports.random() }, null);
    },
  );
  entry.run = run;
}

type Ending = Omit<Extract<JobEvent, { type: "ended" }>, "type">;

/** `done`: the due of what was made or proven; null when nothing was. */
function ended(board: Board, entry: Entry, ending: Ending, done: Date | null): void {
  const { ports, entries } = board;
  entry.run = null;
  entry.events.push({ type: "ended", ...ending });
  if (done !== null) askForProofs(entries, entry.job, done);
  try {
    if (entry.isGone) {
      entries.delete(entry.job.id);
      ports.notebook.forget([entry.job.id]);
    }
    flush(board, ({ events }) => events.length > 0);
    ports.wake();
  } catch (error) {
    ports.log("error", asHoldfastError(error, "noting where the schedule stands").message);
  }
}

function outcomeOf({ code }: HoldfastError): Ending["outcome"] {
  return NOT_HEALING.includes(code) ? "refused" : "failed";
}
