import { z } from "@hono/zod-openapi";
import type { RouteFields, RouteRow } from "../../services/alerts/routes.ts";
import { alertMatch } from "./alert.ts";
import { count, iso, time } from "./common.ts";

const channelId = z.string().min(1).max(100);
const MONTH = 30 * 86_400;

/** A route as people write it. */
export const routeInput = z.strictObject({
  name: z.string().trim().min(1).max(200),
  position: z.number().int().min(0).max(1_000_000).default(100).openapi({
    description: "Of the routes that fit an alert the one with the least position has it.",
  }),
  match: alertMatch.prefault({}),
  channel_ids: z.array(channelId).min(1).max(20),
  group_wait_seconds: z.number().int().min(0).max(3600).default(30).openapi({
    description: "So long a first alert waits for others of the same cause, to be told in one message.",
  }),
  repeat_seconds: z.number().int().min(0).max(MONTH).default(14_400).openapi({ description: "0: never again." }),
  escalate_after_seconds: z.number().int().min(60).max(MONTH).nullable().default(null).openapi({
    description: "Not acknowledged for so long, it is told to `escalate_channel_ids` as well.",
  }),
  escalate_channel_ids: z.array(channelId).max(20).default([]),
  send_resolved: z.boolean().default(true),
  enabled: z.boolean().default(true),
});

export const routeBody = z
  .strictObject({
    route_id: z.uuid(),
    name: z.string(),
    position: count,
    match: alertMatch,
    channel_ids: z.array(z.string()),
    group_wait_seconds: count,
    repeat_seconds: count,
    escalate_after_seconds: count.nullable(),
    escalate_channel_ids: z.array(z.string()),
    send_resolved: z.boolean(),
    enabled: z.boolean(),
    created_at: time,
    updated_at: time,
  })
  .openapi("Route");

export function toRoute(row: RouteRow): z.input<typeof routeBody> {
  return {
    ...{ route_id: row.routeId, name: row.name, position: row.position, match: row.match },
    channel_ids: row.channelIds,
    group_wait_seconds: row.groupWaitSeconds,
    repeat_seconds: row.repeatSeconds,
    escalate_after_seconds: row.escalateAfterSeconds,
    escalate_channel_ids: row.escalateChannelIds,
    send_resolved: row.sendResolved,
    enabled: row.enabled,
    created_at: iso(row.createdAt),
    updated_at: iso(row.updatedAt),
  };
}

export function routeFields(input: z.output<typeof routeInput>): RouteFields {
  return {
    ...{ name: input.name, position: input.position, match: input.match, enabled: input.enabled },
    channelIds: input.channel_ids,
    groupWaitSeconds: input.group_wait_seconds,
    repeatSeconds: input.repeat_seconds,
    escalateAfterSeconds: input.escalate_after_seconds,
    escalateChannelIds: input.escalate_channel_ids,
    sendResolved: input.send_resolved,
  };
}
