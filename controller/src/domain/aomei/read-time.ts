/** ISO 8601 as scripts write it, with or without a zone. */

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;
const MINUTE_MS = 60_000;

/** `zone`: the IANA zone of a time that names none; null: UTC. null when the text is no time that exists in a calendar. */
export function readTime(text: string, zone: string | null): Date | null {
  const [whole, year, month, day, hour = "00", minute = "00", second = "00", fraction = "", offset] =
    ISO.exec(text.trim()) ?? [];
  if (whole === undefined) return null;
  const stamp = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, "0")}Z`;
  const wall = new Date(stamp);
  // `Date` turns 30 February into a day of March.
  if (Number.isNaN(wall.getTime()) || wall.toISOString() !== stamp) return null;
  if (offset !== undefined) return withOffset(wall, offset);
  return zone === null ? wall : inZone(wall, zone);
}

function withOffset(wall: Date, offset: string): Date | null {
  if (offset.toUpperCase() === "Z") return wall;
  const [, sign, hours = "0", minutes = "0"] = /^([+-])(\d{2}):?(\d{2})?$/.exec(offset) ?? [];
  const total = Number(hours) * 60 + Number(minutes);
  if (total > 18 * 60 || Number(minutes) > 59) return null;
  return new Date(wall.getTime() - (sign === "-" ? -total : total) * MINUTE_MS);
}

/**
 * The moment when clocks in the zone showed this. Shown twice (autumn): the first one. Never shown (spring): as much
 * later as the clock was moved.
 */
function inZone(wall: Date, zone: string): Date {
  const at = wall.getTime();
  const offsets = [-24, 24].map((hours) => zoneOffset(at + hours * 60 * MINUTE_MS, zone));
  const candidates = offsets.map((offset) => at - offset).sort((a, b) => a - b);
  const shown = candidates.find((moment) => moment + zoneOffset(moment, zone) === at);
  return new Date(shown ?? at - Math.min(...offsets));
}

/** Milliseconds that the zone's clocks are ahead of UTC at a moment. */
function zoneOffset(moment: number, zone: string): number {
  const whole = Math.floor(moment / 1000) * 1000;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    calendar: "iso8601",
    hourCycle: "h23",
    ...{ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" },
  });
  const parts = Object.fromEntries(format.formatToParts(whole).map(({ type, value }) => [type, Number(value)]));
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
}
