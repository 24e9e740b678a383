import { and, inArray, isNull } from "drizzle-orm";
import { secondsAfter } from "../../domain/alert/alert.ts";
import type { Db } from "../../store/db.ts";
import type { AlertRow } from "./alert-row.ts";
import type { Surroundings } from "./surroundings.ts";
import { tellAlerts } from "./tell.ts";

/** What had this cause gets so long to go with it before it is told on its own. */
const RELEASE_SECONDS = 120;

/** Whoever was told of an alert is told of its end, also while it is silent; what it stood for is looked at again. */
export async function endAlerts(db: Db, ended: readonly AlertRow[], around: Surroundings, now: Date): Promise<void> {
  if (ended.length === 0) return;
  const { alerts } = db.tables;
  const ids = ended.map(({ alertId }) => alertId);
  await db
    .update(alerts)
    .set({ nextLookAt: secondsAfter(now, RELEASE_SECONDS) })
    .where(and(inArray(alerts.inhibitedBy, ids), isNull(alerts.resolvedAt)));
  const known = ended.filter(({ notifiedCount }) => notifiedCount > 0);
  const telling = known.map((alert) => ({ alert, kind: "resolved" as const, route: around.routeOf(alert) }));
  await tellAlerts(
    db,
    telling.filter(({ route }) => route.sendResolved),
    around,
    now,
  );
}
