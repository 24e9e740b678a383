import { duesBetween } from "@holdfast/protocol";
import type { JobFacts } from "./write.ts";

/** Rules for the clocks of a zone hardly ever change by more. */
const TOLERANCE_MS = 3_600_000;
/** More of them would be within minutes of each other anyway. */
const FEW = 150;

/** The due of this job that is nearest to `at`, within an hour; `at` itself when there is none, or that is one. */
export function nearestDue({ agentId, subjectId, task, plan }: JobFacts, at: Date): Date {
  const schedule = plan?.schedule ?? null;
  if (schedule === null) return at;
  const name = `${agentId}/${subjectId}/${task}`;
  const [own] = duesBetween(schedule, name, { after: new Date(at.getTime() - 1), through: at, limit: 1 });
  if (own !== undefined) return at;
  const [after, through] = [new Date(at.getTime() - TOLERANCE_MS - 1), new Date(at.getTime() + TOLERANCE_MS)];
  const far = (dueAt: Date): number => Math.abs(dueAt.getTime() - at.getTime());
  const around = duesBetween(schedule, name, { after, through, limit: FEW }).map(({ dueAt }) => dueAt);
  return around.toSorted((a, b) => far(a) - far(b))[0] ?? at;
}
