/** Time passes: groups have waited, repeats and escalations are due, silences end, causes stay gone. */
import { and, asc, desc, gt, isNotNull, isNull, lte } from "drizzle-orm";
import type { Route } from "../../domain/alert/alert.ts";
import { groupKey } from "../../domain/alert/group.ts";
import { inhibitor } from "../../domain/alert/inhibit.ts";
import { lookAt, type Telling } from "../../domain/alert/timing.ts";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { type AlertRow, putAlerts } from "./alert-row.ts";
import { endAlerts, tellEnded } from "./end-alerts.ts";
import { loadCauses } from "./open-alerts.ts";
import { loadSurroundings, type Surroundings } from "./surroundings.ts";
import { type ToTell, tellAlerts, tellingKey } from "./tell.ts";

/** Alerts of one transaction. */
const AT_ONCE = 200;
/** The longest that a route lets what joins a group wait. */
const LONGEST_WAIT_MS = 36_000_000;
const MOST_TOLD = 500;

type Seen = { alert: AlertRow; telling: ToTell | null };
type Looker = (alert: AlertRow, hurry: Telling | null) => Seen;
/** `more`: there are others whose time has come. */
export type Looked = { more: boolean; resolved: AlertRow[] };

/** Looks at the alerts whose time has come, a few hundred at most, and writes what is to be told of them. */
export async function lookAtDue(db: Db, now: Date): Promise<Looked> {
  const all = await dueAlerts(db, now);
  const due = all.filter(({ state }) => state === "open");
  await tellEnded(
    db,
    all.filter(({ state }) => state === "resolved"),
    loadSurroundings,
    now,
  );
  if (due.length === 0) return { more: all.length === AT_ONCE, resolved: [] };
  const others = await othersOf(db, due, now);
  const around = await loadSurroundings(db, [...due, ...others], now);
  const look = await looker(db, [...due, ...others], around, now);
  const seen = due.map((alert) => look(alert, null));
  const changed = [...seen, ...hurried(seen, others, look)];
  const rows = changed.map(({ alert }) => alert);
  await putAlerts(db, rows);
  await tellAlerts(
    db,
    changed.flatMap(({ telling }) => telling ?? []),
    around,
    now,
  );
  const resolved = rows.filter(({ state }) => state === "resolved");
  await endAlerts(db, resolved, around, now);
  return { more: all.length === AT_ONCE, resolved };
}

/** Each is seen by the next as it was left. */
async function looker(db: Db, alerts: readonly AlertRow[], around: Surroundings, now: Date): Promise<Looker> {
  const { conditions: c } = db.tables;
  const keys = alerts.map(({ subjectKey }) => subjectKey);
  const rows = await rowsByKey(db, c, c.subjectKey, keys);
  const conditions = new Map(rows.map((row) => [keyOf(row), row]));
  const withRoot = alerts.map((alert) => rooted(alert, conditions.get(keyOf(alert))));
  const causes = await loadCauses(
    db,
    alerts,
    withRoot.flatMap(({ rootKey }) => rootKey ?? []),
  );
  const toldAt = groupsTold(withRoot, around);
  return (alert, hurry) => {
    const condition = conditions.get(keyOf(alert)) ?? null;
    const inhibitedBy = inhibitor(rooted(alert, condition), causes)?.alertId ?? null;
    const route = around.routeOf(alert);
    const groupToldAt = toldAt.get(groupOf(rooted(alert, condition), route)) ?? null;
    const known = { condition, inhibitedBy, route, groupToldAt, quietUntil: around.quietUntil(alert) };
    const seen = lookAt(alert, known, now, hurry);
    if (hurry === null) causes.put(seen.alert);
    return {
      alert: seen.alert,
      telling: seen.telling === null ? null : { alert: seen.alert, kind: seen.telling, route },
    };
  };
}

/** What explains it may have become known since. */
function rooted(
  alert: AlertRow,
  condition: (Pick<AlertRow, "rootKey"> & { state: string }) | null | undefined,
): AlertRow {
  return condition?.state === "firing" ? { ...alert, rootKey: condition.rootKey } : alert;
}

function groupOf(alert: AlertRow, { routeId }: Route): string {
  return `${routeId} ${groupKey(alert)}`;
}

/** When each group was last told. */
function groupsTold(alerts: readonly AlertRow[], around: Surroundings): Map<string, Date> {
  const told = new Map<string, Date>();
  for (const alert of alerts) {
    const { lastNotifiedAt: at } = alert;
    const group = groupOf(alert, around.routeOf(alert));
    if (at !== null && at > (told.get(group) ?? 0)) told.set(group, at);
  }
  return told;
}

/** Others of a group that is told now are told with it: those that still wait, and those that were to be told again later. */
function hurried(seen: readonly Seen[], others: readonly AlertRow[], look: Looker): Seen[] {
  const groups = new Set(seen.flatMap(({ telling }) => (telling === null ? [] : [tellingKey(telling)])));
  if (groups.size === 0) return [];
  return others
    .map((alert) => look(alert, alert.lastNotifiedAt === null ? "alert" : "repeat"))
    .filter(({ telling }) => telling !== null && groups.has(tellingKey(telling)));
}

async function dueAlerts(db: Db, now: Date): Promise<AlertRow[]> {
  const { alerts: a } = db.tables;
  return await db.select().from(a).where(lte(a.nextLookAt, now)).orderBy(asc(a.nextLookAt)).limit(AT_ONCE);
}

/** Open ones whose time has not come; of those that were told the newest, which no group has so many of. */
async function othersOf(db: Db, due: readonly AlertRow[], now: Date): Promise<AlertRow[]> {
  const { alerts: a } = db.tables;
  const soon = new Date(now.getTime() + LONGEST_WAIT_MS);
  const untold = db
    .select()
    .from(a)
    .where(and(gt(a.nextLookAt, now), lte(a.nextLookAt, soon), isNull(a.lastNotifiedAt), isNull(a.resolvedAt)));
  const waiting = await untold.orderBy(asc(a.nextLookAt)).limit(AT_ONCE);
  const isTold = and(isNull(a.resolvedAt), isNotNull(a.lastNotifiedAt));
  const told = await db.select().from(a).where(isTold).orderBy(desc(a.lastNotifiedAt)).limit(MOST_TOLD);
  const ids = new Set(due.map(({ alertId }) => alertId));
  return [...waiting, ...told.filter(({ alertId }) => !ids.has(alertId))];
}

function keyOf({ type, subjectKey }: { type: string; subjectKey: string }): string {
  return `${type} ${subjectKey}`;
}
