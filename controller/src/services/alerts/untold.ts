/** Alerts of which nobody heard, because the ways to them were shut: told again as soon as one is open. */
import { and, gt, inArray, isNull, ne } from "drizzle-orm";
import { LOG_CHANNEL } from "../../domain/alert/route.ts";
import type { Db } from "../../store/db.ts";
import type { AlertRow } from "./alert-row.ts";
import { loadSurroundings } from "./surroundings.ts";

/** Messages are kept for longer, so what is not among them was not sent. */
const KNOWN_MS = 80 * 86_400_000;
const TIMES_AT_ONCE = 200;

/**
 * Call it when a channel or a route became another one. An alert that is open, and whose newest message no person got or
 * is about to get, is told again if there is a way now. What has another route now is looked at anew.
 */
export async function tellUntold(db: Db, now: Date): Promise<void> {
  const { alerts: a } = db.tables;
  const isTold = and(isNull(a.resolvedAt), isNull(a.inhibitedBy), isNull(a.acknowledgedAt));
  await db.update(a).set({ nextLookAt: now }).where(isTold);
  const since = new Date(now.getTime() - KNOWN_MS);
  const open = await db
    .select()
    .from(a)
    .where(and(isTold, gt(a.lastNotifiedAt, since)));
  if (open.length === 0) return;
  const around = await loadSurroundings(db, open, now);
  const hasWay = (id: string) => id !== LOG_CHANNEL && around.channels.has(id);
  const heard = await heardOf(db, open, hasWay);
  const untold = open.filter((alert) => !heard.has(alert.alertId) && around.routeOf(alert).channelIds.some(hasWay));
  const ids = untold.map(({ alertId }) => alertId);
  if (ids.length > 0) await db.update(a).set({ lastNotifiedAt: null }).where(inArray(a.alertId, ids));
}

/** Those whose newest message got through to a person, or still may. */
async function heardOf(
  db: Db,
  open: readonly AlertRow[],
  hasWay: (channelId: string) => boolean,
): Promise<Set<string>> {
  const { deliveries: d } = db.tables;
  const times = [...new Set(open.flatMap(({ lastNotifiedAt }) => lastNotifiedAt?.getTime() ?? []))];
  const heard = new Set<string>();
  for (let from = 0; from < times.length; from += TIMES_AT_ONCE) {
    const some = times.slice(from, from + TIMES_AT_ONCE).map((time) => new Date(time));
    const rows = await db
      .select({ channelId: d.channelId, state: d.state, alertIds: d.alertIds })
      .from(d)
      .where(and(inArray(d.createdAt, some), ne(d.channelId, LOG_CHANNEL)));
    for (const { channelId, state, alertIds } of rows)
      if (state === "delivered" || (state === "waiting" && hasWay(channelId))) for (const id of alertIds) heard.add(id);
  }
  return heard;
}
