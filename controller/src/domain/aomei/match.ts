/** Which run a report is about: the rule by which a script and the log tell of one run, not of two. */
import { occurredAt, type Run, type RunReport } from "./run.ts";

export const SAME_RUN_MS = 120_000;

/**
 * Of a job that both a script and its host's agent tell of: the run of which only the other one has told, and whose end is
 * at most 120 s away; the nearest, and of two equally near ones the earlier. Only the primary copy: the log knows no other.
 */
export function matchingRun(runs: Iterable<Run>, jobId: number, report: RunReport): Run | undefined {
  if (report.copyType !== "primary") return undefined;
  const at = occurredAt(report).getTime();
  const distance = (run: Run) => Math.abs(run.occurredAt.getTime() - at);
  return [...runs]
    .filter((run) => run.jobId === jobId && run.copyType === "primary" && isUntold(run, report))
    .filter((run) => distance(run) <= SAME_RUN_MS)
    .sort((a, b) => distance(a) - distance(b) || a.occurredAt.getTime() - b.occurredAt.getTime())[0];
}

function isUntold({ scriptStatus, agentStatus }: Run, { teller }: RunReport): boolean {
  return (teller === "script" ? scriptStatus : agentStatus) === null;
}
