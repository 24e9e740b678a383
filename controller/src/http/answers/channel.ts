import { z } from "@hono/zod-openapi";
import type { ChannelFields } from "../../services/channels/channels.ts";
import type { DeliveryRow } from "../../services/channels/claim.ts";
import type { ChannelRow } from "../../services/channels/kinds.ts";
import { count, iso, isoOrNull, time } from "./common.ts";

const fields = z.record(z.string().max(100), z.unknown());
const CONFIGS =
  "smtp: host, port (587), security (starttls, tls or none), username, from, to[]; secret: password. slack: secret: url. " +
  "ntfy: url, topic; secret: token. webhook: url; secret: key, with which each message is signed.";

/** A channel as people write it. */
export const channelInput = z.strictObject({
  name: z.string().trim().min(1).max(200),
  kind: z.enum(["smtp", "slack", "ntfy", "webhook"]),
  config: fields.default({}).openapi({ description: CONFIGS }),
  secret: fields.optional().openapi({
    description: "Never shown again. Left out in a change it stays, as long as nothing of `config` is changed.",
  }),
  enabled: z.boolean().default(true),
  canary: z.boolean().default(true).openapi({ description: "Gets the daily proof that alerts arrive." }),
});

export const channelBody = z
  .strictObject({
    channel_id: z.string(),
    name: z.string(),
    kind: z.enum(["smtp", "slack", "ntfy", "webhook", "log"]),
    config: z.record(z.string(), z.unknown()),
    has_secret: z.boolean(),
    enabled: z.boolean(),
    canary: z.boolean(),
    disabled_at: time.nullable().openapi({ description: "When the controller switched it off by itself." }),
    disabled_reason: z.string().nullable(),
    last_success_at: time.nullable(),
    last_failure_at: time.nullable(),
    last_error: z.string().nullable(),
    created_at: time,
    created_by: z.string(),
    updated_at: time,
  })
  .openapi("Channel");

export function toChannel(row: ChannelRow): z.input<typeof channelBody> {
  return {
    ...{ channel_id: row.channelId, name: row.name, kind: row.kind, config: row.config },
    ...{ has_secret: row.secret !== null, enabled: row.enabled, canary: row.canary },
    ...{ disabled_at: isoOrNull(row.disabledAt), disabled_reason: row.disabledReason },
    ...{ last_success_at: isoOrNull(row.lastSuccessAt), last_failure_at: isoOrNull(row.lastFailureAt) },
    ...{ last_error: row.lastError, created_at: iso(row.createdAt), created_by: row.createdBy },
    updated_at: iso(row.updatedAt),
  };
}

export function channelFields(input: z.output<typeof channelInput>): ChannelFields {
  const { name, kind, config, secret, enabled, canary } = input;
  return { name, kind, config, secret, enabled, canary };
}

export const deliveryBody = z
  .strictObject({
    delivery_id: z.uuid(),
    channel_id: z.string(),
    route_id: z.uuid().nullable(),
    kind: z.enum(["alert", "resolved", "repeat", "escalation", "test", "canary", "report"]),
    title: z.string(),
    alert_ids: z.array(z.string()),
    state: z.enum(["waiting", "delivered", "failed", "dropped"]),
    attempts: count,
    not_before: time,
    finished_at: time.nullable(),
    last_error: z.string().nullable(),
    created_at: time,
  })
  .openapi("Delivery");

export function toDelivery(row: DeliveryRow): z.input<typeof deliveryBody> {
  return {
    ...{ delivery_id: row.deliveryId, channel_id: row.channelId, route_id: row.routeId, kind: row.kind },
    ...{ title: row.payload.title, alert_ids: row.alertIds, state: row.state, attempts: row.attempts },
    ...{ not_before: iso(row.notBefore), finished_at: isoOrNull(row.finishedAt), last_error: row.lastError },
    created_at: iso(row.createdAt),
  };
}
