/** What cannot be meant in a maintenance window, all of it at once. */
import { calendarProblem, isZone, scheduleSpec } from "@holdfast/protocol";
import type { FieldProblem } from "../../errors.ts";
import { rhythmOf } from "./rhythm.ts";
import { spanText } from "./span-text.ts";
import type { MaintenanceWindow } from "./windows.ts";

type NewWindow = Pick<MaintenanceWindow, "startsAt" | "endsAt" | "cron" | "zone" | "durationSeconds">;

/** Hosts are told weeks of them in advance, each by itself. */
const LEAST_APART_MS = 3_600_000;

export function windowProblems(window: NewWindow, now: Date): FieldProblem[] {
  const { startsAt, endsAt, zone } = window;
  const isOver = endsAt !== null && endsAt <= now;
  return [
    ...(endsAt !== null && endsAt <= startsAt ? [{ path: "ends_at", message: "must be after starts_at" }] : []),
    ...(isOver ? [{ path: "ends_at", message: "has passed already" }] : []),
    ...(isZone(zone) ? [] : [{ path: "zone", message: `'${zone}' is no time zone: use a name as Europe/Berlin` }]),
    ...(window.cron === null ? onceProblems(window) : repeatProblems(window, window.cron)),
  ];
}

function onceProblems({ endsAt, durationSeconds }: NewWindow): FieldProblem[] {
  return [
    ...(endsAt === null ? [{ path: "ends_at", message: "is required, unless cron says when it comes again" }] : []),
    ...(durationSeconds === null
      ? []
      : [{ path: "duration_seconds", message: "is only for windows that come again by cron: give ends_at" }]),
  ];
}

function repeatProblems({ zone, durationSeconds }: NewWindow, cron: string): FieldProblem[] {
  const length =
    durationSeconds === null ? [{ path: "duration_seconds", message: "is required together with cron" }] : [];
  const message = calendarProblem({ cron, zone: isZone(zone) ? zone : "UTC" });
  if (message !== null) return [...length, { path: "cron", message }];
  const { shortestMs } = rhythmOf(scheduleSpec.parse({ cron, zone: "UTC" }));
  if (shortestMs < LEAST_APART_MS)
    return [...length, { path: "cron", message: "must leave an hour or more between two beginnings" }];
  if ((durationSeconds ?? 0) * 1000 < shortestMs) return length;
  const too = `must be less than ${spanText(shortestMs)}, the time between two beginnings: it would never end`;
  return [{ path: "duration_seconds", message: too }];
}
