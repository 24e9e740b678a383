import { z } from "@hono/zod-openapi";
import type { DailyRow } from "../../services/health/daily.ts";
import { count } from "./common.ts";

export const rate = z.number().min(0).max(1);
export const rateOrNull = rate.nullable().openapi({ description: "null: nothing was measured." });

export const healthMetricBody = z
  .strictObject({
    id: z.string(),
    location_id: z.string().nullable(),
    scope: z.enum(["fleet", "agent", "item", "aomei", "location"]),
    scope_id: z.string(),
    metric_date: z.string().openapi({ example: "2026-02-15", description: "A day in UTC." }),
    total_backups: count.openapi({ description: "Runs that ended, and runs that were due and never began." }),
    successful_backups: count,
    failed_backups: count,
    total_size_bytes: count.openapi({ description: "Of the backups that were there when the day ended." }),
    verification_success_rate: rateOrNull,
    restore_test_success_rate: rateOrNull,
    health_score: rate.openapi({ description: "Of the seven days that end with this one." }),
  })
  .openapi("HealthMetric");

export function toHealthMetric(row: DailyRow): z.input<typeof healthMetricBody> {
  return {
    id: `${row.scopeKind}:${row.scopeId}:${row.metricDate}`,
    location_id: row.scopeKind === "location" ? row.scopeId : null,
    ...{ scope: row.scopeKind, scope_id: row.scopeId, metric_date: row.metricDate },
    total_backups: row.totalBackups,
    successful_backups: row.successfulBackups,
    failed_backups: row.failedBackups,
    total_size_bytes: row.totalSizeBytes,
    verification_success_rate: row.verificationSuccessRate,
    restore_test_success_rate: row.restoreTestSuccessRate,
    health_score: row.healthScore,
  };
}
