/** Which runs of a job are to be expected. */
import { type ClosedSpan, duesBetween, type TaskPlan } from "@holdfast/protocol";
import type { ExpectedState } from "./expected.ts";

export type JobFacts = {
  agentId: string;
  subjectId: string;
  task: string;
  plan: TaskPlan | null;
  graceSeconds: number;
  /** Up to here they are written down. */
  expectedThrough: Date;
};
export type NewExpected = {
  dueAt: Date;
  startsAt: Date;
  graceUntil: Date;
  state: Extract<ExpectedState, "expected" | "skipped">;
  reason: string | null;
};
export type Expected = { rows: NewExpected[]; expectedThrough: Date; nextDueAt: Date | null };
/** `limit`: rows at most; the rest is asked for the next time. */
export type ExpectedQuestion = { through: Date; limit: number; closed?: readonly ClosedSpan[] };

/** A schedule that has nothing within so long is taken to have nothing. */
const FAR_MS = 30 * 366 * 86_400_000;

/** The runs that are due up to `through`, and when the next one is. What nothing may begin at is skipped from the start. */
export function expectedThrough(job: JobFacts, { through, limit, closed = [] }: ExpectedQuestion): Expected {
  const schedule = job.plan?.schedule ?? null;
  if (schedule === null) return { rows: [], expectedThrough: job.expectedThrough, nextDueAt: null };
  // As on the agent, whose plan has its own id as the seed.
  const name = `${job.agentId}/${job.subjectId}/${job.task}`;
  const after = job.expectedThrough;
  const dues = through > after ? duesBetween(schedule, name, { after, through, limit, closed }) : [];
  const rows = dues.map(({ dueAt, startsAt, closedBy }) => {
    const graceUntil = new Date(startsAt.getTime() + job.graceSeconds * 1000);
    return {
      dueAt,
      startsAt,
      graceUntil,
      state: closedBy === null ? "expected" : "skipped",
      reason: closedBy,
    } as const;
  });
  const last = dues.length === limit ? dues.at(-1)?.dueAt : through;
  const written = last !== undefined && last > after ? last : after;
  const ahead = { after: written, through: new Date(written.getTime() + FAR_MS), limit: 1 };
  return { rows, expectedThrough: written, nextDueAt: duesBetween(schedule, name, ahead)[0]?.dueAt ?? null };
}
