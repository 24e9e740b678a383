/** When points were made: hosts and controller both say so, and neither clock is believed alone. */
import { byChain, CLOCKS_DIFFER_MS, type Point, type Reading } from "./point.ts";

/** null: it has no time that can be believed. */
type TimeOf = (point: Point) => Date | null;

/** One reading where the clocks agree, two where they do not. */
export function readingsOf(points: readonly Point[], now: Date): Reading[] {
  const disagree = points.some((point) => byController(point, now)?.getTime() !== byHost(point, now)?.getTime());
  const ways: TimeOf[] = disagree
    ? [(point) => byController(point, now), (point) => byHost(point, now)]
    : [(point) => byHost(point, now)];
  return ways.map((timeOf) => reading(points, timeOf));
}

function reading(points: readonly Point[], timeOf: TimeOf): Reading {
  const timed = points.flatMap((point) => {
    const at = timeOf(point);
    return at === null ? [] : [{ point, at }];
  });
  return timed.toSorted((a, b) => b.at.getTime() - a.at.getTime() || byChain(a.point, b.point));
}

/** Its host's word, unless it lies ahead. */
export function byHost({ madeAt, recordedAt }: Point, now: Date): Date | null {
  return believed(madeAt, now) ?? believed(recordedAt, now);
}

/** The controller's own word where it differs: a host's clock may say anything. */
function byController(point: Point, now: Date): Date | null {
  const { madeAt } = point;
  const recordedAt = believed(point.recordedAt, now);
  const host = believed(madeAt, now);
  if (recordedAt === null || host === null) return recordedAt ?? host;
  return Math.abs(recordedAt.getTime() - host.getTime()) > CLOCKS_DIFFER_MS ? recordedAt : host;
}

function believed(at: Date | null, now: Date): Date | null {
  if (at === null || Number.isNaN(at.getTime())) return null;
  return isAhead(at, now) ? null : at;
}

export function isAhead(at: Date | null, now: Date): boolean {
  return at !== null && at.getTime() > now.getTime() + CLOCKS_DIFFER_MS;
}

/** The controller wrote down a time that has not come yet: its clock was or is wrong, and nothing can be told by it. */
export function clockProblemOf(points: readonly Point[], now: Date): string | null {
  const ahead = points.find(({ recordedAt }) => isAhead(recordedAt, now));
  if (Number.isNaN(now.getTime())) return "the controller's clock cannot be read";
  if (ahead?.recordedAt === undefined || ahead.recordedAt === null) return null;
  return `the controller's clock shows a time before ${ahead.recordedAt.toISOString()}, when it recorded ${ahead.backupId}`;
}
