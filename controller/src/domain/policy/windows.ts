/** Maintenance: when it is, and whom it concerns. */
import { duesBetween, scheduleSpec } from "@holdfast/protocol";
import { type Host, matches } from "./bind.ts";
import type { Selector } from "./policy-body.ts";

/** Once, from `startsAt` to `endsAt`; or, with `cron`, again and again between these two, `durationSeconds` each. */
export type MaintenanceWindow = {
  selector: Selector;
  startsAt: Date;
  endsAt: Date | null;
  cron: string | null;
  zone: string;
  durationSeconds: number | null;
  suspendRuns: boolean;
  endedAt: Date | null;
};

/** `until` does not belong to it. */
export type Span = { from: Date; until: Date };

/** A host, or one VM of it. */
export type WindowTarget = Host & { vmName?: string | undefined };

/** More in one answer than anybody plans. */
const MOST_SPANS = 10_000;
const FOR_EVER = new Date(8.64e15);

/** Its times that touch `from` to `until`, the earliest first, cut off where a person ended it. */
export function spansOf(window: MaintenanceWindow, from: Date, until: Date, most = MOST_SPANS): Span[] {
  const end = earlier(window.endedAt ?? FOR_EVER, window.endsAt ?? FOR_EVER);
  const spans = window.cron === null ? [{ from: window.startsAt, until: end }] : repeated(window, from, until, most);
  return spans
    .map((span) => ({ from: span.from, until: earlier(span.until, end) }))
    .filter((span) => span.from < span.until && span.from < until && span.until > from);
}

function repeated(window: MaintenanceWindow, from: Date, until: Date, limit: number): Span[] {
  const { cron, zone, durationSeconds, startsAt } = window;
  const lengthMs = (durationSeconds ?? 0) * 1000;
  const first = new Date(Math.max(from.getTime() - lengthMs, startsAt.getTime()) - 1);
  const spec = scheduleSpec.parse({ cron, zone });
  const dues = duesBetween(spec, "", { after: first, through: until, limit });
  return dues.map(({ dueAt }) => ({ from: dueAt, until: new Date(dueAt.getTime() + lengthMs) }));
}

/** Those in which this host, or this VM of it, is now. */
export function windowsNow<Window extends MaintenanceWindow>(
  windows: readonly Window[],
  target: WindowTarget,
  now: Date,
): Window[] {
  return windows.filter((window) => concerns(window, target) && isNow(window, now));
}

function isNow(window: MaintenanceWindow, now: Date): boolean {
  return spansOf(window, now, new Date(now.getTime() + 1)).length > 0;
}

/** When nothing is to begin there, of what touches `from` to `until`: in order, none touching the next. */
export function closedSpans(
  windows: readonly MaintenanceWindow[],
  target: WindowTarget,
  from: Date,
  until: Date,
): Span[] {
  const own = windows.filter((window) => concerns(window, target));
  return closedBy(closingsOf(own, from, until, MOST_SPANS), target);
}

/** A window that suspends runs, and its times. */
export type Closing = Pick<MaintenanceWindow, "selector"> & { spans: Span[] };

/** Worked out once for many targets; of each window the first so many times. */
export function closingsOf(windows: readonly MaintenanceWindow[], from: Date, until: Date, most: number): Closing[] {
  const closing = windows.filter(({ suspendRuns }) => suspendRuns);
  return closing.map((window) => ({ selector: window.selector, spans: spansOf(window, from, until, most) }));
}

/** As `closedSpans`. */
export function closedBy(closings: readonly Closing[], target: WindowTarget): Span[] {
  return merged(closings.filter((closing) => concerns(closing, target)).flatMap(({ spans }) => spans));
}

function concerns({ selector }: Pick<MaintenanceWindow, "selector">, { vmName, ...host }: WindowTarget): boolean {
  return matches(selector, host, vmName ?? null);
}

function merged(spans: readonly Span[]): Span[] {
  const ordered = [...spans].sort((a, b) => a.from.getTime() - b.from.getTime());
  const whole: Span[] = [];
  for (const span of ordered) {
    const last = whole.at(-1);
    if (last === undefined || span.from > last.until) whole.push(span);
    else whole[whole.length - 1] = { from: last.from, until: later(last.until, span.until) };
  }
  return whole;
}

function earlier(a: Date, b: Date): Date {
  return a < b ? a : b;
}

function later(a: Date, b: Date): Date {
  return a > b ? a : b;
}
