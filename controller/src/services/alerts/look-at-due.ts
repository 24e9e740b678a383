/** Time passes: groups have waited, repeats and escalations are due, silences end, causes stay gone. */
import { and, asc, gt, isNull, lte } from "drizzle-orm";
import { inhibitor } from "../../domain/alert/inhibit.ts";
import { lookAt } from "../../domain/alert/timing.ts";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { type AlertRow, putAlerts } from "./alert-row.ts";
import { endAlerts } from "./end-alerts.ts";
import { loadCauses } from "./open-alerts.ts";
import { loadSurroundings, type Surroundings } from "./surroundings.ts";
import { type ToTell, tellAlerts, tellingKey } from "./tell.ts";

/** Alerts of one transaction. */
const AT_ONCE = 200;
/** The longest that a route lets a group wait. */
const LONGEST_WAIT_MS = 3_600_000;

type Seen = { alert: AlertRow; telling: ToTell | null };
type Looker = (alert: AlertRow, hurry: boolean) => Seen;
/** `more`: there are others whose time has come. */
export type Looked = { more: boolean; resolved: AlertRow[] };

/** Looks at the alerts whose time has come, a few hundred at most, and writes what is to be told of them. */
export async function lookAtDue(db: Db, now: Date): Promise<Looked> {
  const due = await dueAlerts(db, now);
  if (due.length === 0) return { more: false, resolved: [] };
  const waiting = await waitingAlerts(db, now);
  const around = await loadSurroundings(db, [...due, ...waiting], now);
  const look = await looker(db, [...due, ...waiting], around, now);
  const seen = due.map((alert) => look(alert, false));
  const changed = [...seen, ...hurried(seen, waiting, look)];
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
  return { more: due.length === AT_ONCE, resolved };
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
  return (alert, hurry) => {
    const condition = conditions.get(keyOf(alert)) ?? null;
    const inhibitedBy = inhibitor(rooted(alert, condition), causes)?.alertId ?? null;
    const route = around.routeOf(alert);
    const known = { condition, inhibitedBy, route, quietUntil: around.quietUntil(alert) };
    const seen = lookAt(alert, known, now, hurry);
    if (!hurry) causes.put(seen.alert);
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

/** Those that still wait for others of their group: it is told now, so they are told with it. */
function hurried(seen: readonly Seen[], waiting: readonly AlertRow[], look: Looker): Seen[] {
  const groups = new Set(seen.flatMap(({ telling }) => (telling?.kind === "alert" ? [tellingKey(telling)] : [])));
  if (groups.size === 0) return [];
  return waiting
    .map((alert) => look(alert, true))
    .filter(({ telling }) => telling !== null && groups.has(tellingKey(telling)));
}

async function dueAlerts(db: Db, now: Date): Promise<AlertRow[]> {
  const { alerts: a } = db.tables;
  return await db.select().from(a).where(lte(a.nextLookAt, now)).orderBy(asc(a.nextLookAt)).limit(AT_ONCE);
}

async function waitingAlerts(db: Db, now: Date): Promise<AlertRow[]> {
  const { alerts: a } = db.tables;
  const soon = new Date(now.getTime() + LONGEST_WAIT_MS);
  return await db
    .select()
    .from(a)
    .where(and(gt(a.nextLookAt, now), lte(a.nextLookAt, soon), isNull(a.lastNotifiedAt)))
    .orderBy(asc(a.nextLookAt))
    .limit(AT_ONCE);
}

function keyOf({ type, subjectKey }: { type: string; subjectKey: string }): string {
  return `${type} ${subjectKey}`;
}
