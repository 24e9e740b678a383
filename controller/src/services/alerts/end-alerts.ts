import { and, gt, inArray, isNotNull, isNull, lte } from "drizzle-orm";
import { secondsAfter } from "../../domain/alert/alert.ts";
import { joinSeconds } from "../../domain/alert/timing.ts";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import type { AlertRow } from "./alert-row.ts";
import type { Surroundings } from "./surroundings.ts";
import { type ToTell, tellAlerts, tellingKey } from "./tell.ts";

/** What had this cause gets so long to go with it before it is told on its own. */
const RELEASE_SECONDS = 120;

/**
 * Whoever was told of an alert is told of its end, also while it is silent; what it stood for is looked at again. Ends of
 * one group that come one after the other are no message each: the next ones wait for each other.
 */
export async function endAlerts(db: Db, ended: readonly AlertRow[], around: Surroundings, now: Date): Promise<void> {
  if (ended.length === 0) return;
  const { alerts } = db.tables;
  const ids = ended.map(({ alertId }) => alertId);
  await db
    .update(alerts)
    .set({ nextLookAt: secondsAfter(now, RELEASE_SECONDS) })
    .where(and(inArray(alerts.inhibitedBy, ids), isNull(alerts.resolvedAt)));
  const telling = endsOf(ended, around);
  const recent = await recentEnds(db, telling, now);
  const joins = telling.filter((one) => recent.has(tellingKey(one)));
  for (const [key, some] of Map.groupBy(joins, tellingKey)) {
    const until = secondsAfter(recent.get(key) ?? now, waitOf(some));
    const later = some.map(({ alert }) => alert.alertId);
    // Also one whose time has come: others of its group may wait, and are told with it.
    const nextLookAt = new Date(Math.max(until.getTime(), now.getTime()));
    await db.update(alerts).set({ nextLookAt }).where(inArray(alerts.alertId, later));
  }
  const soon = telling.filter((one) => !joins.includes(one));
  await tellAlerts(db, soon, around, now);
}

/** Alerts whose end was to wait for others, and has. Others of their groups are told with them. */
export async function tellEnded(db: Db, due: readonly AlertRow[], load: Loader, now: Date): Promise<void> {
  if (due.length === 0) return;
  const { alerts: a } = db.tables;
  const isWaiting = and(isNotNull(a.resolvedAt), gt(a.nextLookAt, now));
  const waiting = await db.select().from(a).where(isWaiting);
  const around = await load(db, [...due, ...waiting], now);
  const groups = new Set(endsOf(due, around).map(tellingKey));
  const others = endsOf(waiting, around).filter((one) => groups.has(tellingKey(one)));
  const ids = [...due, ...others.map(({ alert }) => alert)].map(({ alertId }) => alertId);
  await db.update(a).set({ nextLookAt: null }).where(inArray(a.alertId, ids));
  await tellAlerts(db, [...endsOf(due, around), ...others], around, now);
}

type Loader = (db: Db, alerts: readonly AlertRow[], now: Date) => Promise<Surroundings>;

/** What is wrong again needs no word of its end before. */
export async function forgetEnds(db: Db, opened: readonly Pick<AlertRow, "subjectKey" | "type">[]): Promise<void> {
  if (opened.length === 0) return;
  const { alerts: a } = db.tables;
  const subjects = opened.map(({ subjectKey }) => subjectKey);
  const isWaiting = and(isNotNull(a.resolvedAt), isNotNull(a.nextLookAt), inArray(a.subjectKey, subjects));
  const waiting = await db.select().from(a).where(isWaiting);
  const again = new Set(opened.map(({ subjectKey, type }) => `${type} ${subjectKey}`));
  const ids = waiting.flatMap(({ alertId, subjectKey, type }) => (again.has(`${type} ${subjectKey}`) ? [alertId] : []));
  if (ids.length > 0) await db.update(a).set({ nextLookAt: null }).where(inArray(a.alertId, ids));
}

function waitOf([first]: readonly ToTell[]): number {
  return first === undefined ? 0 : joinSeconds(first.route);
}

function endsOf(ended: readonly AlertRow[], around: Surroundings): ToTell[] {
  return ended
    .filter(({ notifiedCount }) => notifiedCount > 0)
    .map((alert) => ({ alert, kind: "resolved" as const, route: around.routeOf(alert) }))
    .filter(({ route }) => route.sendResolved);
}

/** When ends of the same groups were last told: so long ago at most that some of them may still wait. */
async function recentEnds(db: Db, telling: readonly ToTell[], now: Date): Promise<Map<string, Date>> {
  const { deliveries: d, alerts } = db.tables;
  const routes = new Map(telling.flatMap(({ route }) => (route.routeId === null ? [] : [[route.routeId, route]])));
  const recent = new Map<string, Date>();
  for (const [routeId, route] of routes) {
    const isOfRoute = and(inArray(d.routeId, [routeId]), gt(d.createdAt, secondsAfter(now, -2 * joinSeconds(route))));
    const rows = await db
      .select({ at: d.createdAt, kind: d.kind, ids: d.alertIds })
      .from(d)
      .where(and(isOfRoute, lte(d.createdAt, now)));
    const ends = rows.filter(({ kind, at }) => kind === "resolved" && at < now);
    const known = await rowsByKey(
      db,
      alerts,
      alerts.alertId,
      ends.flatMap(({ ids }) => ids),
    );
    const byId = new Map(known.map((alert) => [alert.alertId, alert]));
    for (const { at, ids } of ends)
      for (const id of ids) {
        const alert = byId.get(id);
        if (alert === undefined) continue;
        const key = tellingKey({ alert, kind: "resolved", route });
        if (at > (recent.get(key) ?? 0)) recent.set(key, at);
      }
  }
  return recent;
}
