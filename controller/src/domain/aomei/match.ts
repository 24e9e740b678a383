/** Which run a report is about: the rule by which a script and the log tell of one run, not of two. */
import type { Run, Teller } from "./run.ts";

export const SAME_RUN_MS = 120_000;

/**
 * Of a job that is linked, which both a script and its host's agent tell of: the run whose end is at most 120 s away; the
 * nearest, and of two equally near ones the earlier. Two entries of the log are two runs, however near. Only the primary
 * copy: the log knows no other.
 */
export function matchingRun(runs: Iterable<Run>, told: Run, teller: Teller): Run | undefined {
  if (told.copyType !== "primary") return undefined;
  const at = told.occurredAt.getTime();
  const distance = (run: Run) => Math.abs(run.occurredAt.getTime() - at);
  return [...runs]
    .filter((run) => run.jobId === told.jobId && run.copyType === "primary")
    .filter((run) => (teller === "script" || run.agentStatus === null) && distance(run) <= SAME_RUN_MS)
    .sort((a, b) => distance(a) - distance(b) || a.occurredAt.getTime() - b.occurredAt.getTime())[0];
}
