/** How people are told: channels, which alerts go where, and everything that is to be sent. */
import { isNotNull, isNull } from "drizzle-orm";
import type { AlertMatch, Notification } from "../domain/alert/observation.ts";
import type { Dialect } from "./dialect.ts";

export function defineChannels(d: Dialect) {
  return d.table(
    "channels",
    {
      channelId: d.text("channel_id").primaryKey(),
      name: d.text("name").notNull(),
      kind: d.text("kind").$type<"smtp" | "slack" | "ntfy" | "webhook" | "log">().notNull(),
      config: d.json<Record<string, unknown>>("config").notNull(),
      /** Passwords and secret addresses as JSON, sealed with the controller's key. */
      secret: d.text("secret"),
      enabled: d.bool("enabled").notNull(),
      /** Takes part in the daily proof that alerts arrive. */
      canary: d.bool("canary").notNull(),
      disabledAt: d.time("disabled_at"),
      disabledReason: d.text("disabled_reason"),
      lastSuccessAt: d.time("last_success_at"),
      lastFailureAt: d.time("last_failure_at"),
      lastError: d.text("last_error"),
      createdAt: d.time("created_at").notNull(),
      createdBy: d.text("created_by").notNull(),
      updatedAt: d.time("updated_at").notNull(),
    },
    (t) => [d.uniqueIndex("channels_name").on(t.name), d.index("channels_newest").on(t.createdAt, t.channelId)],
  );
}

export function defineRoutes(d: Dialect) {
  return d.table(
    "routes",
    {
      routeId: d.text("route_id").primaryKey(),
      name: d.text("name").notNull(),
      /** The first that matches has it. */
      position: d.int("position").notNull(),
      match: d.json<AlertMatch>("match").notNull(),
      channelIds: d.json<string[]>("channel_ids").notNull(),
      groupWaitSeconds: d.int("group_wait_seconds").notNull(),
      repeatSeconds: d.int("repeat_seconds").notNull(),
      escalateAfterSeconds: d.int("escalate_after_seconds"),
      escalateChannelIds: d.json<string[]>("escalate_channel_ids").notNull(),
      sendResolved: d.bool("send_resolved").notNull(),
      enabled: d.bool("enabled").notNull(),
      createdAt: d.time("created_at").notNull(),
      updatedAt: d.time("updated_at").notNull(),
    },
    (t) => [d.uniqueIndex("routes_name").on(t.name), d.index("routes_newest").on(t.createdAt, t.routeId)],
  );
}

/** The outbox: written with what is to be told, delivered at least once, in this order for each route and channel. */
export function defineDeliveries(d: Dialect) {
  return d.table(
    "deliveries",
    {
      sequence: d.counter("sequence"),
      deliveryId: d.text("delivery_id").notNull(),
      /** null: no route asked for it (a test, a canary, a report). */
      routeId: d.text("route_id"),
      channelId: d.text("channel_id").notNull(),
      kind: d.text("kind").$type<Notification["kind"]>().notNull(),
      alertIds: d.json<string[]>("alert_ids").notNull(),
      payload: d.json<Notification>("payload").notNull(),
      /** Who writes the same once more writes nothing; null: each is its own. */
      dedupeKey: d.text("dedupe_key"),
      createdAt: d.time("created_at").notNull(),
      notBefore: d.time("not_before").notNull(),
      attempts: d.int("attempts").notNull(),
      state: d.text("state").$type<"waiting" | "delivered" | "failed" | "dropped">().notNull(),
      claimedUntil: d.time("claimed_until"),
      claimedBy: d.text("claimed_by"),
      finishedAt: d.time("finished_at"),
      lastError: d.text("last_error"),
    },
    (t) => [
      d.uniqueIndex("deliveries_id").on(t.deliveryId),
      d.uniqueIndex("deliveries_dedupe").on(t.dedupeKey),
      d.index("deliveries_waiting").on(t.channelId, t.routeId, t.sequence).where(isNull(t.finishedAt)),
      d.index("deliveries_newest").on(t.createdAt, t.deliveryId),
      d.index("deliveries_of_channel").on(t.channelId, t.createdAt, t.deliveryId, t.state),
      d.index("deliveries_state").on(t.state, t.createdAt, t.deliveryId),
      d.index("deliveries_of_route").on(t.routeId, t.createdAt).where(isNotNull(t.routeId)),
    ],
  );
}

export function defineReportSchedules(d: Dialect) {
  return d.table(
    "report_schedules",
    {
      scheduleId: d.text("schedule_id").primaryKey(),
      name: d.text("name").notNull(),
      scopeKind: d.text("scope_kind").$type<"fleet" | "agent" | "item" | "aomei">().notNull(),
      scopeId: d.text("scope_id"),
      days: d.int("days").notNull(),
      format: d.text("format").$type<"html" | "csv">().notNull(),
      cron: d.text("cron").notNull(),
      zone: d.text("zone").notNull(),
      channelIds: d.json<string[]>("channel_ids").notNull(),
      enabled: d.bool("enabled").notNull(),
      nextAt: d.time("next_at"),
      lastAt: d.time("last_at"),
      lastError: d.text("last_error"),
      createdAt: d.time("created_at").notNull(),
      createdBy: d.text("created_by").notNull(),
    },
    (t) => [
      d.index("report_schedules_newest").on(t.createdAt, t.scheduleId),
      d.index("report_schedules_next").on(t.nextAt).where(isNotNull(t.nextAt)),
    ],
  );
}
