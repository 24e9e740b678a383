/** Names of calendar days, ISO weeks and months in a time zone. */
import { offsetMinutes } from "@holdfast/protocol";
import { DAY_MS } from "./point.ts";

export type Period = "day" | "week" | "month";

/** "2026-02-15", "2026-W07" (of the week's own year), "2026-02". */
export function periodOf(period: Period, zone: string, at: Date): string {
  const local = new Date(at.getTime() + offsetMinutes(zone, at) * 60_000);
  if (period === "week") return isoWeek(local);
  return local.toISOString().slice(0, period === "day" ? 10 : 7);
}

/** The week belongs to the year of its Thursday. `local`: its UTC fields are the local ones. */
function isoWeek(local: Date): string {
  const weekday = (local.getUTCDay() + 6) % 7;
  const thursday = new Date(local.getTime() + (3 - weekday) * DAY_MS);
  const year = thursday.getUTCFullYear();
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) + 1;
  return `${String(year).padStart(4, "0")}-W${String(week).padStart(2, "0")}`;
}
