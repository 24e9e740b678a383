import { and, inArray, isNull } from "drizzle-orm";
import { putRows } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";

export type AlertRow = Db["tables"]["alerts"]["$inferSelect"];

/** The open alerts of these subjects, in the order in which they were opened. */
export async function openAlertsOf(db: Db, subjectKeys: Iterable<string>): Promise<AlertRow[]> {
  const keys = [...new Set(subjectKeys)];
  if (keys.length === 0) return [];
  const { alerts } = db.tables;
  return await db
    .select()
    .from(alerts)
    .where(and(inArray(alerts.subjectKey, keys), isNull(alerts.resolvedAt)))
    .orderBy(alerts.createdAt, alerts.alertId);
}

/** Where one alert is there several times, as it is in the end. */
export async function putAlerts(db: Db, rows: readonly AlertRow[]): Promise<void> {
  const last = new Map(rows.map((row) => [row.alertId, row]));
  await putRows(db, db.tables.alerts, [db.tables.alerts.alertId], [...last.values()]);
}
