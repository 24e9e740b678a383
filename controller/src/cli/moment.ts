/** Points in time as people type them. */
import { usageError } from "./failure.ts";
import { parseSeconds } from "./format.ts";

const REMEDY = "Give 2026-05-01T10:00:00Z, the same with another offset, or a day: 2026-05-01 (UTC).";

/** In the API's form, from a moment with its offset or from a day. BAD_REQUEST for anything else. */
export function parseMoment(text: string, option: string): string {
  const isMoment = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const at = new Date(isMoment ? text : Number.NaN);
  // A day that its month does not have would become one of the next month.
  if (!Number.isNaN(at.getTime()) && Number(text.slice(8, 10)) <= daysOf(text)) return at.toISOString();
  throw usageError(`${option} takes a point in time, not ${JSON.stringify(text)}`, REMEDY);
}

/** The same, or so long after `now`: `2h`, `7d`. */
export function parseEnd(text: string, option: string, now: Date): string {
  if (!/^\d+[smhd]$/i.test(text.trim())) return parseMoment(text, option);
  return new Date(now.getTime() + parseSeconds(text, option) * 1000).toISOString();
}

function daysOf(text: string): number {
  return new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0)).getUTCDate();
}
