import { describe, expect, it } from "vitest";
import { runYears, type YearsWish } from "../helpers/ledger-years.ts";
import { sampled } from "../helpers/sample.ts";

const DAY_MS = 86_400_000;
/** What most people live in, then those whose clocks or offsets are the strangest. */
const ZONES = [
  ...["UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles", "America/Sao_Paulo"],
  ...["Asia/Tokyo", "Asia/Kolkata", "Asia/Shanghai", "Australia/Sydney", "Africa/Cairo", "Pacific/Auckland"],
  ...["Australia/Lord_Howe", "Africa/Casablanca", "Antarctica/Troll", "Pacific/Chatham", "America/St_Johns"],
];
/** From March to November, so that the clocks change twice; each zone in another year. */
function wish(zone: string, more: Partial<YearsWish> = {}, days = 260): YearsWish {
  const from = new Date(Date.UTC(2026 + (ZONES.indexOf(zone) % 10), 2, 1));
  const until = new Date(from.getTime() + days * DAY_MS);
  return { seed: 1, zone, from, until, schedule: { cron: "30 2 * * *" }, ...more };
}

describe("years of nightly backups, with a host that dies, sleeps, hangs and is cut off", () => {
  it.each(sampled(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "Antarctica/Troll"], ZONES))(
    "in %s: no false alarm and no silent miss",
    (zone) => {
      const index = ZONES.indexOf(zone);
      const schedule = {
        cron: "30 2 * * *",
        jitter_seconds: (index % 3) * 900,
        catch_up: index % 2 ? "never" : "once",
      } as const;
      const { faults, dues, alarms } = runYears(wish(zone, { schedule, seed: index }));
      expect(faults).toEqual([]);
      expect(dues).toBeGreaterThan(255);
      expect(alarms).toBeGreaterThan(5);
    },
  );

  it("by the hour, where one run makes up for many", () => {
    const { faults, states } = runYears(wish("America/St_Johns", { schedule: { cron: "7 * * * *" } }, 20));
    expect(faults).toEqual([]);
    expect(states).toMatchObject({ coalesced: expect.any(Number), ran: expect.any(Number) });
  });

  it("finds a ledger that hears nothing, and one that does not wait", () => {
    const deaf = runYears(wish("Europe/Berlin", { plant: "deaf ledger" }, 60)).faults;
    expect(deaf).toContainEqual(expect.stringMatching(/ran in time and was called missed/));
    const hasty = runYears(wish("Europe/Berlin", { plant: "hasty ledger" }, 180)).faults;
    expect(hasty).toContainEqual(expect.stringMatching(/ran in time and was called missed/));
  });
});
