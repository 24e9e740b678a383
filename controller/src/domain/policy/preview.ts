/** When a policy would run, before anything does. */
import {
  type ClosedSpan,
  type Due,
  duesBetween,
  offsetMinutes,
  type ScheduleSpec,
  type TaskName,
} from "@holdfast/protocol";
import type { PolicyBody } from "./policy-body.ts";
import { tasksOf } from "./tasks.ts";

/** `clockChange`: since the run of the same task before, the clocks were put forward or back. */
export type PreviewRun = {
  task: TaskName;
  dueAt: Date;
  startsAt: Date;
  /** What the clock shows there at `dueAt`: `2026-03-29 03:00`. */
  local: string;
  /** East of UTC: `+02:00`. */
  offset: string;
  closedBy: Due["closedBy"];
  clockChange: "forward" | "back" | null;
};

/** `zone`: what `local` means. `seed`: of the job's name `<seed>/<item>/<task>`, without which the jitter is an example. */
export type PreviewQuestion = {
  from: Date;
  count: number;
  zone: string;
  job: string;
  closed: readonly ClosedSpan[];
};

const CENTURY_MS = 100 * 366 * 86_400_000;

/** The next runs that the clock asks for, all tasks together. */
export function nextRuns(body: PolicyBody, question: PreviewQuestion): PreviewRun[] {
  const { backup, verify, drill } = tasksOf(body, question.zone);
  const tasks = Object.entries({ backup, verify, drill }) as [TaskName, typeof verify][];
  const runs = tasks.flatMap(([task, plan]) =>
    plan === null || plan.schedule === null ? [] : runsOf(task, plan.schedule, question),
  );
  return runs.sort((a, b) => a.dueAt.getTime() - b.dueAt.getTime()).slice(0, question.count);
}

function runsOf(task: TaskName, schedule: ScheduleSpec, { from, count, job, closed }: PreviewQuestion): PreviewRun[] {
  const through = new Date(from.getTime() + CENTURY_MS);
  const dues = duesBetween(schedule, `${job}/${task}`, { after: from, through, limit: count, closed });
  let before = offsetMinutes(schedule.zone, from);
  return dues.map(({ dueAt, startsAt, closedBy }) => {
    const offset = offsetMinutes(schedule.zone, dueAt);
    const clockChange = offset === before ? null : offset > before ? "forward" : "back";
    before = offset;
    return {
      task,
      dueAt,
      startsAt,
      closedBy,
      clockChange,
      local: localText(dueAt, offset),
      offset: offsetText(offset),
    };
  });
}

function localText(at: Date, offset: number): string {
  return new Date(at.getTime() + offset * 60_000).toISOString().slice(0, 16).replace("T", " ");
}

function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  const part = (value: number) => String(value).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${part(Math.floor(size / 60))}:${part(size % 60)}`;
}
