/** What is allowed in a policy and hardly meant: seen before it is stored. */
import { closedAt, type Due, duesBetween, type ScheduleSpec, type TaskName } from "@holdfast/protocol";
import type { PolicyBody } from "./policy-body.ts";
import type { PreviewQuestion } from "./preview.ts";
import { tasksOf } from "./tasks.ts";

/** So many of the next dues are looked at, of jittered ones fewer, each at so many moments. */
const DUES = 100;
const JITTERED = 30;
const MOMENTS = 12;
const AHEAD_MS = 366 * 86_400_000;

/** Sentences, of the year to come; `closed` of the question must reach as far. */
export function warningsOf(body: PolicyBody, question: PreviewQuestion): string[] {
  const tasks = Object.entries(tasksOf(body, question.zone)) as [TaskName, { schedule: ScheduleSpec | null } | null][];
  return tasks.flatMap(([task, plan]) => (plan?.schedule == null ? [] : warningsAbout(task, plan.schedule, question)));
}

function warningsAbout(task: TaskName, schedule: ScheduleSpec, { from, job, closed }: PreviewQuestion): string[] {
  const through = new Date(from.getTime() + AHEAD_MS);
  const dues = duesBetween(schedule, `${job}/${task}`, { after: from, through, limit: DUES, closed });
  if (dues.length > 0 && dues.every(({ closedBy }) => closedBy !== null))
    return [`None of the next ${dues.length} runs of ${task} would begin: ${reasonsOf(dues)} leaves them all out.`];
  const part = jitteredInto(schedule, dues);
  if (part === 0) return [];
  const percent = Math.max(1, Math.round(part * 100));
  return [`By its jitter about ${percent} % of the runs of ${task} would fall into a blackout, and be left out.`];
}

function reasonsOf(dues: readonly Due[]): string {
  return [...new Set(dues.flatMap(({ closedBy }) => closedBy ?? []))].sort().join(" or ");
}

/** The part of what is due outside of blackouts that would begin inside of one. */
function jitteredInto(schedule: ScheduleSpec, dues: readonly Due[]): number {
  const { jitter_seconds, blackouts } = schedule;
  if (jitter_seconds === 0 || blackouts.length === 0) return 0;
  const open = dues.filter(({ dueAt }) => closedAt(schedule, dueAt, []) === null).slice(0, JITTERED);
  const step = (jitter_seconds * 1000) / (MOMENTS - 1);
  const moments = open.flatMap(({ dueAt }) =>
    Array.from({ length: MOMENTS }, (_, moment) => new Date(dueAt.getTime() + moment * step)),
  );
  const inside = moments.filter((at) => closedAt(schedule, at, []) !== null);
  return moments.length === 0 ? 0 : inside.length / moments.length;
}
