import { uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { type AlertType, DEFAULT_SEVERITY } from "../../domain/alert/observation.ts";
import type { AlertRow } from "../../services/alerts/alert-row.ts";
import type { DeliveryRow, NoteRow } from "../../services/alerts/list.ts";
import type { SilenceRow } from "../../services/alerts/silences.ts";
import { count, iso, isoOrNull, labels, time } from "./common.ts";

export const alertType = z.enum(Object.keys(DEFAULT_SEVERITY) as [AlertType, ...AlertType[]]);
export const severity = z.enum(["critical", "warning", "info"]);

/** In requests and answers alike; what is left out or empty fits everything. */
export const alertMatch = z
  .strictObject({
    types: z.array(alertType).max(50).optional(),
    severities: z.array(severity).max(3).optional(),
    agent_ids: z.array(uuid).max(1000).optional(),
    subject_keys: z.array(z.string().min(1).max(1000)).max(1000).optional(),
    policy_ids: z.array(uuid).max(1000).optional(),
    labels: labels.optional(),
  })
  .openapi("AlertMatch");

const subjectKind = z.enum([
  "item",
  "aomei",
  "agent",
  "repository",
  "backup",
  "location",
  "policy",
  "channel",
  "controller",
]);

export const alertBody = z
  .strictObject({
    alert_id: z.uuid(),
    alert_type: alertType,
    severity,
    message: z.string(),
    state: z.enum(["open", "resolved"]),
    resolved: z.boolean(),
    subject: z.string().openapi({ example: "item:9f6d5c1e-0000-4000-8000-000000000001/web-1" }),
    subject_kind: subjectKind,
    agent_id: z.string().nullable(),
    vm_context_id: z.string().nullable(),
    location_id: z.string().nullable(),
    backup_id: z.string().nullable(),
    policy_id: z.string().nullable(),
    evidence: z.record(z.string(), z.unknown()),
    caused_by: z.string().nullable().openapi({ description: "The subject whose own trouble explains this." }),
    inhibited_by: z.string().nullable().openapi({ description: "The alert that is told instead of this one." }),
    created_at: time,
    changed_at: time,
    resolved_at: time.nullable(),
    resolved_reason: z.string().nullable(),
    acknowledged_at: time.nullable(),
    acknowledged_by: z.string().nullable(),
    escalated_at: time.nullable(),
    last_notified_at: time.nullable().openapi({ description: "null: nobody was told of it as it is now." }),
    notified_count: count,
  })
  .openapi("Alert");

export function toAlert(row: AlertRow): z.input<typeof alertBody> {
  return {
    ...{ alert_id: row.alertId, alert_type: row.type, severity: row.severity, message: row.message },
    ...{ state: row.state, resolved: row.state === "resolved" },
    ...{ subject: row.subjectKey, subject_kind: row.subjectKind, agent_id: row.agentId },
    ...{ vm_context_id: row.vmContextId, location_id: row.locationId, backup_id: row.backupId },
    ...{ policy_id: row.policyId, evidence: row.evidence, caused_by: row.rootKey, inhibited_by: row.inhibitedBy },
    created_at: iso(row.createdAt),
    changed_at: iso(row.changedAt),
    resolved_at: isoOrNull(row.resolvedAt),
    resolved_reason: row.resolvedReason,
    acknowledged_at: isoOrNull(row.acknowledgedAt),
    acknowledged_by: row.acknowledgedBy,
    escalated_at: isoOrNull(row.escalatedAt),
    last_notified_at: isoOrNull(row.lastNotifiedAt),
    notified_count: row.notifiedCount,
  };
}

export const noteBody = z
  .strictObject({ note_id: z.uuid(), at: time, author: z.string(), text: z.string() })
  .openapi("AlertNote");

export function toNote({ noteId, at, author, text }: NoteRow): z.input<typeof noteBody> {
  return { note_id: noteId, at: iso(at), author, text };
}

export const alertDeliveryBody = z
  .strictObject({
    delivery_id: z.string(),
    channel_id: z.string(),
    route_id: z.string().nullable(),
    kind: z.string(),
    title: z.string(),
    state: z.enum(["waiting", "delivered", "failed", "dropped"]),
    attempts: count,
    created_at: time,
    finished_at: time.nullable(),
    last_error: z.string().nullable(),
  })
  .openapi("AlertDelivery");

export function toAlertDelivery(row: DeliveryRow): z.input<typeof alertDeliveryBody> {
  return {
    ...{ delivery_id: row.deliveryId, channel_id: row.channelId, route_id: row.routeId, kind: row.kind },
    ...{ title: row.payload.title, state: row.state, attempts: row.attempts, last_error: row.lastError },
    created_at: iso(row.createdAt),
    finished_at: isoOrNull(row.finishedAt),
  };
}

export const silenceBody = z
  .strictObject({
    silence_id: z.uuid(),
    match: alertMatch,
    starts_at: time,
    ends_at: time,
    active: z.boolean(),
    reason: z.string(),
    created_at: time,
    created_by: z.string(),
    ended_at: time.nullable(),
  })
  .openapi("Silence");

export function toSilence(row: SilenceRow, now: Date): z.input<typeof silenceBody> {
  return {
    ...{ silence_id: row.silenceId, match: row.match, reason: row.reason, created_by: row.createdBy },
    starts_at: iso(row.startsAt),
    ends_at: iso(row.endsAt),
    active: row.endedAt === null && row.startsAt <= now && row.endsAt > now,
    created_at: iso(row.createdAt),
    ended_at: isoOrNull(row.endedAt),
  };
}
