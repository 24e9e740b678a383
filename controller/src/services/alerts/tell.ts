/** Alerts become messages, and each message a delivery for every channel of its route. */
import { randomUUID } from "node:crypto";
import type { Route } from "../../domain/alert/alert.ts";
import { groupKey, notificationOf } from "../../domain/alert/group.ts";
import { channelsOf, LOG_CHANNEL } from "../../domain/alert/route.ts";
import type { Telling } from "../../domain/alert/timing.ts";
import type { Db } from "../../store/db.ts";
import { addDelivery } from "../channels/add-delivery.ts";
import type { AlertRow } from "./alert-row.ts";
import type { Surroundings } from "./surroundings.ts";

export type ToTell = { alert: AlertRow; kind: Telling | "resolved"; route: Route };

/** What is told together has the same key. */
export function tellingKey({ alert, kind, route }: ToTell): string {
  return `${kind} ${route.routeId} ${groupKey(alert)}`;
}

/** Writes the deliveries; all that belongs together is one message. */
export async function tellAlerts(db: Db, telling: readonly ToTell[], around: Surroundings, now: Date): Promise<void> {
  for (const group of Map.groupBy(telling, tellingKey).values()) {
    const [first] = group;
    if (first !== undefined) await tellGroup(db, first, group, around, now);
  }
}

async function tellGroup(
  db: Db,
  { kind, route, alert: first }: ToTell,
  group: readonly ToTell[],
  around: Surroundings,
  now: Date,
): Promise<void> {
  const alerts = group.map(({ alert }) => alert);
  const payload = notificationOf(kind, alerts, { notificationId: randomUUID(), agentName: around.agentName });
  const isLoud = alerts.some(({ escalatedAt }) => escalatedAt !== null);
  const named = kind === "escalation" ? [...route.escalateChannelIds, LOG_CHANNEL] : channelsOf(route, isLoud);
  for (const channelId of named.filter((id) => around.channels.has(id))) {
    const dedupeKey = `${kind} ${first.alertId} ${first.notifiedCount} ${channelId}`;
    const alertIds = alerts.map(({ alertId }) => alertId);
    await addDelivery(db, { routeId: route.routeId, channelId, alertIds, payload, dedupeKey }, now);
  }
}
