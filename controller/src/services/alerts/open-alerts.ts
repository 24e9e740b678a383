import { and, inArray, isNull } from "drizzle-orm";
import type { OpenAlerts } from "../../domain/alert/inhibit.ts";
import type { Db } from "../../store/db.ts";
import { type AlertRow, openAlertsOf } from "./alert-row.ts";

/** What may explain these alerts, as it is while they are looked at one after the other. */
export type Causes = OpenAlerts & { put: (alert: AlertRow) => void };

/** An alert is explained by another, and that by a third; more steps than anybody has. */
const MOST_STEPS = 10;

export async function loadCauses(db: Db, alerts: readonly AlertRow[], rootKeys: Iterable<string>): Promise<Causes> {
  const known = new Map(alerts.map((alert) => [alert.alertId, alert]));
  let newer = await openAlertsOf(db, rootKeys);
  for (let step = 0; step < MOST_STEPS && newer.length > 0; step += 1) {
    for (const alert of newer) known.set(alert.alertId, alert);
    const next = newer.flatMap(({ inhibitedBy }) => inhibitedBy ?? []).filter((id) => !known.has(id));
    newer = next.length === 0 ? [] : await openById(db, next);
  }
  const isOpen = ({ resolvedAt }: AlertRow) => resolvedAt === null;
  return {
    ofSubject: (key) => [...known.values()].filter((alert) => alert.subjectKey === key && isOpen(alert)),
    byId: (id) => {
      const alert = known.get(id);
      return alert !== undefined && isOpen(alert) ? alert : undefined;
    },
    put: (alert) => void known.set(alert.alertId, alert),
  };
}

async function openById(db: Db, alertIds: readonly string[]): Promise<AlertRow[]> {
  const { alerts } = db.tables;
  return await db
    .select()
    .from(alerts)
    .where(and(inArray(alerts.alertId, [...new Set(alertIds)]), isNull(alerts.resolvedAt)));
}
