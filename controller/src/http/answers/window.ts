import { z } from "@hono/zod-openapi";
import { selector } from "../../domain/policy/policy-body.ts";
import { spansOf } from "../../domain/policy/windows.ts";
import type { WindowRow } from "../../services/windows/open-windows.ts";
import { count, iso, isoOrNull, time } from "./common.ts";

const AHEAD_MS = 400 * 86_400_000;

export const windowBody = z
  .strictObject({
    window_id: z.uuid(),
    name: z.string(),
    selector,
    starts_at: time,
    ends_at: time.nullable(),
    cron: z.string().nullable(),
    zone: z.string(),
    duration_seconds: count.nullable(),
    suspend_runs: z.boolean(),
    reason: z.string(),
    created_at: time,
    created_by: z.string(),
    ended_at: time.nullable().openapi({ description: "When a person ended it." }),
    active: z.boolean().openapi({ description: "Now." }),
    current_or_next: z
      .strictObject({ from: time, until: time })
      .nullable()
      .openapi({ description: "null: it does not come again within a year." }),
  })
  .openapi("MaintenanceWindow");

export function toWindow(row: WindowRow, now: Date): z.input<typeof windowBody> {
  const [span] = spansOf(row, now, new Date(now.getTime() + AHEAD_MS));
  return {
    ...{ window_id: row.windowId, name: row.name, selector: row.selector, starts_at: iso(row.startsAt) },
    ...{ ends_at: isoOrNull(row.endsAt), cron: row.cron, zone: row.zone, duration_seconds: row.durationSeconds },
    ...{ suspend_runs: row.suspendRuns, reason: row.reason, created_at: iso(row.createdAt) },
    ...{ created_by: row.createdBy, ended_at: isoOrNull(row.endedAt) },
    active: span !== undefined && span.from <= now,
    current_or_next: span === undefined ? null : { from: iso(span.from), until: iso(span.until) },
  };
}
