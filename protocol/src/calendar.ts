/** When something is due: the same instants on the agent, which runs, and on the controller, which expects. */
import { createHash } from "node:crypto";
import { Cron } from "croner";
import { z } from "zod";
import { time } from "./limits.ts";

const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "must be a time of day, HH:MM");

/** Weekly, in the schedule's zone; `weekdays` 1 (Monday) to 7 are those on which it begins. It may end on the next day. */
export const weeklyWindow = z.strictObject({
  weekdays: z.array(z.number().int().min(1).max(7)).min(1).max(7),
  from: clock,
  until: clock,
});
export type WeeklyWindow = z.infer<typeof weeklyWindow>;

export const scheduleSpec = z.strictObject({
  /** Minute, hour, day of the month, month, weekday. */
  cron: z.string().min(9).max(200),
  /** IANA name. */
  zone: z.string().min(1).max(64),
  /** Each run begins up to so much later, always the same for the same run of the same job. */
  jitter_seconds: z.number().int().min(0).max(86_400).default(0),
  /** Nothing begins inside these. */
  blackouts: z.array(weeklyWindow).max(20).default([]),
  /** What to do after downtime: one run for all that were missed, or none. */
  catch_up: z.enum(["once", "never"]).default("once"),
});
export type ScheduleSpec = z.infer<typeof scheduleSpec>;

/** A time in which nothing begins, for once. */
export const closedSpan = z.object({ from: time, until: time });
export type ClosedSpan = z.infer<typeof closedSpan>;

/** `dueAt` names the run; it begins at `startsAt`, unless something closes that moment. */
export type Due = { dueAt: Date; startsAt: Date; closedBy: "blackout" | "maintenance" | null };

/** Dues after `after` up to and including `through`, at most `limit`, the oldest first. */
export type DueQuestion = { after: Date; through: Date; limit: number; closed?: readonly ClosedSpan[] };

const HOUR_MS = 3_600_000;
/** No zone turns its clocks back by more. */
const LONGEST_OVERLAP_MS = 3 * HOUR_MS;

/** Why nothing can ever be due by this; null when something can. */
export function calendarProblem({ cron, zone }: Pick<ScheduleSpec, "cron" | "zone">): string | null {
  if (cron.trim().split(/\s+/).length !== 5)
    return "must have five parts: minute, hour, day of the month, month, weekday";
  if (!isZone(zone)) return `'${zone}' is no time zone: use a name as Europe/Berlin`;
  try {
    return cronOf(cron, zone).nextRun() === null ? "never comes: the calendar has no such day" : null;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replace(/^CronPattern: /, "");
  }
}

/** Names that were found right: to ask the system takes a tenth of a millisecond, and each item of a fleet asks. */
const zones = new Set<string>();
/** More than there are; the same one may be written in capitals and in small letters. */
const MOST_ZONES = 2000;

export function isZone(zone: string): boolean {
  if (zones.has(zone)) return true;
  try {
    const isRight = new Intl.DateTimeFormat("en", { timeZone: zone }).format(0) !== "";
    if (isRight && zones.size < MOST_ZONES) zones.add(zone);
    return isRight;
  } catch {
    return false;
  }
}

/**
 * `job` tells apart what shares a schedule: `<agent id>/<item>/<task>`. A time of day that a change of the clocks leaves
 * out is due right after the gap, one that comes twice is due once. The spec must have no `calendarProblem`.
 */
export function duesBetween(spec: ScheduleSpec, job: string, question: DueQuestion): Due[] {
  const { after, through, limit, closed = [] } = question;
  const cron = cronOf(spec.cron, spec.zone);
  const dues: Due[] = [];
  for (let last = startOf(spec.zone, after); dues.length < limit; ) {
    const next = cron.nextRun(last);
    if (next === null || next > through) break;
    last = next;
    if (next > after) dues.push(dueOf(spec, job, next, closed));
  }
  return dues;
}

/** Asked from inside an hour that comes twice, croner would give the second of two same times: so it is asked earlier. */
function startOf(zone: string, after: Date): Date {
  const before = new Date(after.getTime() - LONGEST_OVERLAP_MS);
  return offsetMinutes(zone, before) > offsetMinutes(zone, after) ? before : after;
}

function dueOf(spec: ScheduleSpec, job: string, dueAt: Date, closed: readonly ClosedSpan[]): Due {
  const startsAt = new Date(dueAt.getTime() + jitterMs(spec.jitter_seconds, job, dueAt));
  return { dueAt, startsAt, closedBy: closedAt(spec, startsAt, closed) };
}

/** What keeps a run from beginning at that moment; `spec` null: it is not run by the clock. */
export function closedAt(spec: ScheduleSpec | null, at: Date, closed: readonly ClosedSpan[]): Due["closedBy"] {
  if (closed.some(({ from, until }) => at >= new Date(from) && at < new Date(until))) return "maintenance";
  if (spec === null || spec.blackouts.length === 0) return null;
  const local = localTime(spec.zone, at);
  return spec.blackouts.some((window) => covers(window, local)) ? "blackout" : null;
}

function jitterMs(seconds: number, job: string, dueAt: Date): number {
  if (seconds === 0) return 0;
  const digest = createHash("sha256").update(`${job} ${dueAt.toISOString()}`).digest();
  return (digest.readUInt32BE(0) % (seconds + 1)) * 1000;
}

function covers({ weekdays, from, until }: WeeklyWindow, { weekday, clock: at }: LocalTime): boolean {
  const yesterday = weekday === 1 ? 7 : weekday - 1;
  if (from < until) return weekdays.includes(weekday) && at >= from && at < until;
  return (weekdays.includes(weekday) && at >= from) || (weekdays.includes(yesterday) && at < until);
}

/** `clock` HH:MM, `weekday` 1 (Monday) to 7. */
type LocalTime = { weekday: number; clock: string };

const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

function localTime(zone: string, at: Date): LocalTime {
  const part = partsOf(zone, at);
  return { weekday: WEEKDAYS.indexOf(part("weekday")) + 1, clock: `${part("hour")}:${part("minute")}` };
}

/** East of UTC, in whole minutes. */
export function offsetMinutes(zone: string, at: Date): number {
  const part = partsOf(zone, at);
  const local = Date.parse(`${part("year")}-${part("month")}-${part("day")}T${part("hour")}:${part("minute")}:00Z`);
  return Math.ceil((local - at.getTime()) / 60_000);
}

const formats = new Map<string, Intl.DateTimeFormat>();
const crons = new Map<string, Cron>();
const MOST_KEPT = 1000;

function partsOf(zone: string, at: Date): (name: Intl.DateTimeFormatPartTypes) => string {
  const format = kept(formats, zone, () => {
    const two = "2-digit" as const;
    const fields = { year: "numeric" as const, month: two, day: two, hour: two, minute: two };
    return new Intl.DateTimeFormat("en", { timeZone: zone, hourCycle: "h23", weekday: "short", ...fields });
  });
  const parts = format.formatToParts(at);
  return (name) => parts.find(({ type }) => type === name)?.value ?? "";
}

function cronOf(cron: string, zone: string): Cron {
  return kept(crons, `${zone} ${cron}`, () => new Cron(cron, { timezone: zone, mode: "5-part" }));
}

/** Both are slow to make. */
function kept<Value>(all: Map<string, Value>, key: string, make: () => Value): Value {
  const value = all.get(key) ?? make();
  if (all.size >= MOST_KEPT) all.clear();
  all.set(key, value);
  return value;
}
