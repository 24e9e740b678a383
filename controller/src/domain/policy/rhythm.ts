/** How often a schedule comes, whatever the clocks of its zone do: what is sound once stays sound. */
import { duesBetween, type ScheduleSpec } from "@holdfast/protocol";

/** `longestMs`: between two that nothing closes. Infinity: there are no two. */
export type Rhythm = { shortestMs: number; longestMs: number; isAllBlack: boolean };

const HOUR_MS = 3_600_000;
const WEEK_MS = 8 * 24 * HOUR_MS;
/** A Monday. */
const SAMPLE = new Date("2026-01-05T00:00:00Z");
const LAST = new Date("2036-01-05T00:00:00Z");
const MANY = 100;

/** The cron must be sound; the zone is not looked at. */
export function rhythmOf(schedule: ScheduleSpec): Rhythm {
  const some = duesAfter(schedule, SAMPLE, MANY);
  const open = some.filter(({ closedBy }) => closedBy === null).map(({ dueAt }) => dueAt.getTime());
  const gaps = gapsOf(some.map(({ dueAt }) => dueAt.getTime()));
  const isDense = some.length === MANY && (some.at(-1)?.dueAt.getTime() ?? 0) < SAMPLE.getTime() + WEEK_MS;
  const hours = isDense ? openHours(schedule) : [];
  const pauses = [...gapsOf(open), ...gapsOf(hours).map((gap) => gap - HOUR_MS)];
  return {
    shortestMs: Math.min(...gaps),
    longestMs: pauses.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...pauses),
    isAllBlack: some.length > 0 && open.length + hours.length === 0,
  };
}

/** The first open due of each hour of more than a week: all of them would be thousands. */
function openHours(schedule: ScheduleSpec): number[] {
  const hours = Array.from({ length: WEEK_MS / HOUR_MS }, (_, hour) => SAMPLE.getTime() + hour * HOUR_MS);
  return hours.flatMap((hour) => {
    const [due] = duesAfter(schedule, new Date(hour - 1), 1);
    const isOpen = due !== undefined && due.closedBy === null && due.dueAt.getTime() < hour + HOUR_MS;
    return isOpen ? [due.dueAt.getTime()] : [];
  });
}

function duesAfter(schedule: ScheduleSpec, after: Date, limit: number) {
  const spec = { ...schedule, zone: "UTC", jitter_seconds: 0 };
  return duesBetween(spec, "", { after, through: LAST, limit });
}

function gapsOf(times: readonly number[]): number[] {
  return times.slice(1).map((time, index) => time - (times[index] ?? time));
}
