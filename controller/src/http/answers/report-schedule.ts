import { z } from "@hono/zod-openapi";
import type { ScheduleFields, ScheduleRow } from "../../services/reports/schedules.ts";
import { SCOPE_KINDS } from "../../services/reports/scope.ts";
import { iso, isoOrNull, time } from "./common.ts";

const fields = {
  name: z.string().trim().min(1).max(200),
  scope_kind: z.enum(SCOPE_KINDS),
  scope_id: z
    .string()
    .min(1)
    .max(500)
    .nullable()
    .openapi({ description: "As `id` of the report; null for the fleet." }),
  days: z.number().int().min(1).max(366),
  format: z.enum(["html", "csv"]),
  cron: z.string().min(9).max(200).openapi({ description: "Minute, hour, day of the month, month, weekday." }),
  zone: z.string().min(1).max(64).openapi({ description: "Of `cron`, an IANA name." }),
  channel_ids: z.array(z.string().min(1).max(100)).min(1).max(20),
  enabled: z.boolean(),
};

export const scheduleInput = z.strictObject({
  ...fields,
  scope_kind: fields.scope_kind.default("fleet"),
  scope_id: fields.scope_id.default(null),
  days: fields.days.default(7),
  format: fields.format.default("html"),
  cron: fields.cron.default("0 7 * * 1"),
  zone: fields.zone.default("UTC"),
  enabled: fields.enabled.default(true),
});

export const scheduleBody = z
  .strictObject({
    schedule_id: z.uuid(),
    ...fields,
    next_at: time.nullable().openapi({ description: "null: it is switched off." }),
    last_at: time.nullable().openapi({ description: "When it was last put into the outbox." }),
    last_error: z.string().nullable().openapi({ description: "Why it could not be made the last time." }),
    created_at: time,
    created_by: z.string(),
  })
  .openapi("ReportSchedule");

export function scheduleFields(body: z.output<typeof scheduleInput>): ScheduleFields {
  const { name, days, format, cron, zone, enabled } = body;
  const scope = { scopeKind: body.scope_kind, scopeId: body.scope_id };
  return { name, days, format, cron, zone, enabled, ...scope, channelIds: [...new Set(body.channel_ids)] };
}

export function toSchedule(row: ScheduleRow): z.input<typeof scheduleBody> {
  return {
    ...{ schedule_id: row.scheduleId, name: row.name, scope_kind: row.scopeKind, scope_id: row.scopeId },
    ...{ days: row.days, format: row.format, cron: row.cron, zone: row.zone, channel_ids: row.channelIds },
    ...{ enabled: row.enabled, next_at: isoOrNull(row.nextAt), last_at: isoOrNull(row.lastAt) },
    ...{ last_error: row.lastError, created_at: iso(row.createdAt), created_by: row.createdBy },
  };
}
