import type { WrittenTime } from "./patterns.ts";

/**
 * Seconds since 1970 of a time as it is written in a zone; null for a date that there is none (30 February). Of an hour
 * that comes twice in autumn the first one counts; one that spring leaves out is taken as the hour after.
 */
export function zonedSeconds(written: WrittenTime, timeZone: string): number | null {
  const { year, month, day, hour, minute, second, zone } = written;
  const asUtc = Date.UTC(year, month - 1, day, hour, minute, second);
  const back = new Date(asUtc);
  const isDate = back.getUTCDate() === day && back.getUTCMonth() === month - 1 && back.getUTCHours() === hour;
  if (!isDate || minute > 59 || second > 59) return null;
  if (zone !== null) return (asUtc - fixedOffset(zone)) / 1000;
  // Of the two candidates the one that the zone itself writes so is right; a day's distance sees both sides of a change.
  const offsets = [offsetAt(asUtc - 86_400_000, timeZone), offsetAt(asUtc + 86_400_000, timeZone)];
  const fitting = offsets.filter((offset) => offsetAt(asUtc - offset, timeZone) === offset);
  return (asUtc - Math.max(...(fitting.length > 0 ? fitting : offsets.slice(0, 1)))) / 1000;
}

function fixedOffset(zone: string): number {
  const found = /^([+-])(\d\d):?(\d\d)$/.exec(zone);
  if (found === null) return 0;
  const minutes = Number(found[2]) * 60 + Number(found[3]);
  return (found[1] === "-" ? -minutes : minutes) * 60_000;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** How far the zone's clocks are ahead of UTC at that moment, in ms. */
function offsetAt(ms: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      ...{ timeZone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric" },
      ...{ hour: "numeric", minute: "numeric", second: "numeric" },
    });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
}
