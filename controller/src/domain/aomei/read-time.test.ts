import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readTime } from "./read-time.ts";

describe("a time of a script", () => {
  it.each<[string, string | null, string | null]>([
    ["2026-02-15T03:00:00Z", "Europe/Berlin", "2026-02-15T03:00:00.000Z"],
    ["2026-02-15T03:00:00", null, "2026-02-15T03:00:00.000Z"],
    ["2026-02-15T03:00:00", "Europe/Berlin", "2026-02-15T02:00:00.000Z"],
    ["2026-07-15T03:00:00", "Europe/Berlin", "2026-07-15T01:00:00.000Z"],
    ["2026-07-15T03:00:00", "America/New_York", "2026-07-15T07:00:00.000Z"],
    ["2026-07-15T03:00:00", "Asia/Kolkata", "2026-07-14T21:30:00.000Z"],
    ["2026-02-15T03:00:00+01:00", "Asia/Tokyo", "2026-02-15T02:00:00.000Z"],
    ["2026-02-15T03:00:00-0530", null, "2026-02-15T08:30:00.000Z"],
    ["2026-02-15T03:00:00+02", null, "2026-02-15T01:00:00.000Z"],
    ["2026-02-15T03:00:00.1234567Z", null, "2026-02-15T03:00:00.123Z"],
    ["2026-02-15 03:00:00", null, "2026-02-15T03:00:00.000Z"],
    ["2026-02-15T03:00", null, "2026-02-15T03:00:00.000Z"],
    ["2026-02-15", "Europe/Berlin", "2026-02-14T23:00:00.000Z"],
    // Spring forward: 02:30 was never shown; autumn: 02:30 was shown twice, the first is summer time.
    ["2026-03-29T02:30:00", "Europe/Berlin", "2026-03-29T01:30:00.000Z"],
    ["2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T00:30:00.000Z"],
    ["2026-02-30T03:00:00Z", null, null],
    ["2026-13-01T03:00:00Z", null, null],
    ["2026-02-15T24:00:01Z", null, null],
    ["2026-02-15T03:00:00+25:00", null, null],
    ["15.02.2026 03:00", null, null],
    ["yesterday", null, null],
    ["", null, null],
    ["02026-02-15T03:00:00Z", null, null],
  ])("%j in %j is %j", (text, zone, iso) => {
    expect(readTime(text, zone)?.toISOString() ?? null).toBe(iso);
  });

  it("in any zone is a moment at which its clocks show it, except in the hour that is left out", () => {
    const zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC"];
    const min = Date.UTC(2012, 0, 1);
    const moments = fc.integer({ min: min / 60_000, max: Date.UTC(2035, 0) / 60_000 });
    fc.assert(
      fc.property(moments, fc.constantFrom(...zones), (minute, timeZone) => {
        const shown = new Date(minute * 60_000).toISOString().slice(0, 16);
        const read = readTime(shown, timeZone);
        const options = { timeZone, hourCycle: "h23", dateStyle: "short", timeStyle: "short" } as const;
        const again = read === null ? "" : new Intl.DateTimeFormat("sv-SE", options).format(read).replace(" ", "T");
        const gap = Math.abs(Date.parse(`${again}Z`) - Date.parse(`${shown}Z`));
        expect(gap === 0 || (gap >= 30 * 60_000 && gap <= 24 * 3_600_000 && isGap(shown, timeZone))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

/** No minute of two days around shows this. */
function isGap(shown: string, timeZone: string): boolean {
  const options = { timeZone, hourCycle: "h23", dateStyle: "short", timeStyle: "short" } as const;
  const format = new Intl.DateTimeFormat("sv-SE", options);
  const at = Date.parse(`${shown}Z`);
  for (let minute = -1500; minute <= 1500; minute += 30)
    for (const extra of [0, 15])
      if (format.format(at + (minute + extra) * 60_000).replace(" ", "T") === shown) return false;
  return true;
}
