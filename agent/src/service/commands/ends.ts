/** How a command ends (pure). */
import type { CommandChanged, CommandState, Problem } from "@holdfast/protocol";
import type { ErrorCode, HoldfastError } from "../../errors.ts";
import type { RunRecord } from "../../runner/run-record.ts";

type End = Pick<CommandChanged, "result" | "error"> & {
  state: Extract<CommandState, "done" | "refused" | "failed" | "cancelled" | "expired">;
};

/** The host said no, and nothing was done. */
const REFUSALS: readonly ErrorCode[] = [
  "BAD_REQUEST",
  "NOT_FOUND",
  "CONFLICT",
  "BUSY",
  "FLOOR",
  "SPOOL_FULL",
  "SOURCE_NOT_ALLOWED",
  "REPOSITORY_NOT_ALLOWED",
  "ENCRYPTION_NOT_READY",
];

export function endOfError({ code, message, remedy, details }: HoldfastError): End {
  const state = code === "CANCELLED" ? "cancelled" : REFUSALS.includes(code) ? "refused" : "failed";
  // Of several backups each has reasons of its own.
  const reasons = code === "FLOOR" || code === "CONFLICT" ? details : undefined;
  const words = reasons === undefined ? message : `${message}\n${reasons}`;
  return { state, result: null, error: { code, message: words.slice(0, 4000), remedy: remedy ?? null } };
}

export function expired(deadline: string): End {
  const message = `it had not begun by its deadline, ${deadline}`;
  return { state: "expired", result: null, error: { code: "EXPIRED", message, remedy: "Give it again." } };
}

const INTERRUPTED: Problem = {
  code: "INTERRUPTED",
  message: "the agent was stopped while it carried this out; what it made until then is recorded",
  remedy: "Give it again if it is still wanted.",
};

/** Of a command that was half done when the agent stopped; `runs` are all that it began. Done, when all of them were. */
export function endOfInterrupted(runs: readonly (RunRecord | undefined)[]): End {
  const outcomes = runs.map((run) => (run?.state === "completed" ? run.outcome : null));
  if (outcomes.length === 0 || outcomes.includes(null)) return { state: "failed", result: null, error: INTERRUPTED };
  return { state: "done", result: { summary: outcomes.join("; ").slice(0, 4000) }, error: null };
}

/**
 * A removal that had not begun when the agent stopped is not begun by a later start: what it names may have been promised
 * to be kept since, and only the controller knows.
 */
export const REMOVAL_NOT_BEGUN: End = {
  state: "failed",
  result: null,
  error: {
    code: "INTERRUPTED",
    message: "the agent was stopped before it began this; nothing was removed",
    remedy: "Give it again if it is still wanted.",
  },
};

/** Of those that begin one run, and have nothing left to do after it. */
export function isOneRun(kind: string): boolean {
  return kind === "backup.start" || kind === "verify.start" || kind === "drill.start";
}
