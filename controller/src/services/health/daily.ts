/** The days of everything whose health is kept: their counts, and the score of the seven days that end with each. */
import { and, eq, gte, lt, lte } from "drizzle-orm";
import { addDays, dayOf, daysFrom } from "../../domain/health/days.ts";
import { type HealthCounts, type HealthScore, score, WINDOW_DAYS } from "../../domain/health/score.ts";
import { putRows } from "../../store/bulk.ts";
import type { Db, Store } from "../../store/db.ts";
import { type DayCounts, NO_COUNTS } from "./count-day.ts";

export type DailyRow = Db["tables"]["healthDaily"]["$inferSelect"];
export type Scope = Pick<DailyRow, "scopeKind" | "scopeId">;
export type CountedDay = Pick<DailyRow, "metricDate" | keyof DayCounts>;

export const FLEET: Scope = { scopeKind: "fleet", scopeId: "fleet" };

export function itemScope(agentId: string, vmContextId: string): Scope {
  return { scopeKind: "item", scopeId: `${agentId}/${vmContextId}` };
}

/** From one day to another, both included, oldest first. */
export async function daysOf(db: Db, { scopeKind, scopeId }: Scope, from: string, until: string): Promise<DailyRow[]> {
  const { healthDaily: h } = db.tables;
  return await db
    .select()
    .from(h)
    .where(and(eq(h.scopeKind, scopeKind), eq(h.scopeId, scopeId), gte(h.metricDate, from), lte(h.metricDate, until)))
    .orderBy(h.metricDate);
}

/** Of all items of a host, by their scope's id. Read day by day, because that is what an index is for. */
export async function daysOfItems(
  store: Store,
  agentId: string,
  days: readonly string[],
): Promise<Map<string, DailyRow[]>> {
  const rows: DailyRow[] = [];
  for (const day of days)
    rows.push(
      ...(await store.read(async (db) => {
        const { healthDaily: h } = db.tables;
        // "0" is what comes after "/".
        const ofAgent = and(gte(h.scopeId, `${agentId}/`), lt(h.scopeId, `${agentId}0`));
        return await db
          .select()
          .from(h)
          .where(and(eq(h.metricDate, day), eq(h.scopeKind, "item"), ofAgent));
      })),
    );
  return Map.groupBy(rows, ({ scopeId }) => scopeId);
}

/** What was counted in the seven days that end with `day`. */
export function windowCounts(days: readonly CountedDay[], day: string): HealthCounts {
  const first = addDays(day, 1 - WINDOW_DAYS);
  const within = days.filter(({ metricDate }) => metricDate >= first && metricDate <= day);
  const total = (what: keyof DayCounts) => within.reduce((all, row) => all + row[what], 0);
  return {
    backup: { good: total("successfulBackups"), total: total("totalBackups") },
    verification: { good: total("verificationsPassed"), total: total("verificationsTotal") },
    drill: { good: total("drillsPassed"), total: total("drillsTotal") },
  };
}

/** Of the seven days that end now. */
export async function worthOf(db: Db, scope: Scope, now: Date): Promise<HealthScore> {
  const today = dayOf(now);
  return score(windowCounts(await daysOf(db, scope, addDays(today, 1 - WINDOW_DAYS), today), today));
}

/** The days that share a week with one of these, this day at most. */
export function daysAround(days: readonly string[], today: string): string[] {
  const all = new Set(days.flatMap((day) => daysFrom(addDays(day, 1 - WINDOW_DAYS), addDays(day, WINDOW_DAYS - 1))));
  return [...all].filter((day) => day <= today).sort();
}

/** The same of what stands. */
export async function daysAroundOf(db: Db, scope: Scope, days: readonly string[], today: string): Promise<DailyRow[]> {
  const around = daysAround(days, today);
  const [first = today, last = today] = [around[0], around.at(-1)];
  return await daysOf(db, scope, first, last);
}

type Standing = { known: readonly CountedDay[]; counted: readonly CountedDay[]; today: string; now: Date };

/**
 * Rows for every day that was counted anew and for those whose week it is in. `known`: what stands of the days around.
 * A day on which nothing was measured, and nothing in its week, has no row.
 */
export function scoredDays(scope: Scope, { known, counted, today, now }: Standing): DailyRow[] {
  const standing = new Set(known.map(({ metricDate }) => metricDate));
  const days = new Map(known.map((row) => [row.metricDate, row]));
  for (const row of counted) days.set(row.metricDate, row);
  const all = [...days.values()];
  const changed = new Set(counted.flatMap(({ metricDate: day }) => daysFrom(day, addDays(day, WINDOW_DAYS - 1))));
  const wanted = [...changed].filter((day) => day <= today).sort();
  return wanted.flatMap((metricDate) => {
    const counts: DayCounts = days.get(metricDate) ?? NO_COUNTS;
    const window = windowCounts(all, metricDate);
    const isEmpty = !score(window).measured && counts.totalSizeBytes === 0;
    return isEmpty && !standing.has(metricDate) ? [] : [rowOf(scope, metricDate, counts, window, now)];
  });
}

function rowOf(scope: Scope, metricDate: string, counts: DayCounts, window: HealthCounts, now: Date): DailyRow {
  const { verificationsTotal, verificationsPassed, drillsTotal, drillsPassed } = counts;
  return {
    ...{ scopeKind: scope.scopeKind, scopeId: scope.scopeId, metricDate },
    ...{ totalBackups: counts.totalBackups, successfulBackups: counts.successfulBackups },
    ...{ failedBackups: counts.failedBackups, totalSizeBytes: counts.totalSizeBytes },
    ...{ verificationsTotal, verificationsPassed, drillsTotal, drillsPassed },
    verificationSuccessRate: verificationsTotal === 0 ? null : verificationsPassed / verificationsTotal,
    restoreTestSuccessRate: drillsTotal === 0 ? null : drillsPassed / drillsTotal,
    healthScore: score(window).score,
    updatedAt: now,
  };
}

export async function putDays(db: Db, rows: readonly DailyRow[]): Promise<void> {
  const { healthDaily: h } = db.tables;
  await putRows(db, h, [h.scopeKind, h.scopeId, h.metricDate], rows);
}
