/** Where a job stands, what can happen to it, and what is to be done then. */

/** What is run: for which due, which attempt (1 for the first), and since which due it makes up for others. */
export type Attempt = { due: Date; since: Date | null; attempt: number };

/** A run that was asked for by a backup, not by the clock; `since`: the oldest of several that it stands for. */
type Asked = { due: Date; since: Date | null };

type Standing = {
  /** Each due up to here was run, coalesced or skipped. */
  settledThrough: Date;
  asked: Asked | null;
};

/** `running`: also while it waits for its turn. `waiting`: the attempt begins at `retryAt`. */
export type JobState = Standing &
  ({ kind: "idle" } | ({ kind: "running" } & Attempt) | ({ kind: "waiting"; retryAt: Date } & Attempt));

/** `random`: in [0, 1), spreads retries. */
export type JobEvent =
  | { type: "time" }
  /** The backup of that due was made. */
  | { type: "asked"; due: Date }
  /** `refused`: and trying again would change nothing. */
  | { type: "ended"; outcome: "done" | "failed" | "refused"; random: number }
  /** At the start of the process, about what is noted as running: what its record says. `none`: it never began. */
  | { type: "found"; run: "none" | "done" | "failed" | "cancelled"; random: number };

export type SkipReason = "blackout" | "maintenance" | "catch_up_never";

/** `wake`: nothing comes before that by itself. */
export type JobEffect =
  | ({ type: "start" } & Attempt)
  | { type: "skip"; due: Date; since: Date | null; reason: SkipReason }
  | { type: "wake"; at: Date };

export type Step = { state: JobState; effects: JobEffect[] };

export function idleSince(settledThrough: Date): JobState {
  return { kind: "idle", settledThrough, asked: null };
}
