import { problem } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import type { MarkedPoint } from "../../domain/retention/plan.ts";
import type { PlanRow } from "../../services/retention/plan-item.ts";
import type { ItemPreview, RetentionPreview } from "../../services/retention/preview.ts";
import type { MarkRow } from "../../services/retention/save-marks.ts";
import { count, iso, isoOrNull, time } from "./common.ts";

const mark = z.enum(["keep", "keep_as_parent", "merge", "remove"]).openapi({
  description: "`merge` is kept as a parent until consolidation can take it in.",
});
const reasons = z.array(z.strictObject({ rule: z.string(), text: z.string(), until: time.nullable() }));
const summary = z.strictObject({ points: count, keep: count, keep_as_parent: count, merge: count, remove: count });

const previewedItem = z.strictObject({
  agent_id: z.uuid(),
  vm_context_id: z.string(),
  summary,
  waits_for: z
    .string()
    .nullable()
    .openapi({ description: "Why its plan would wait for a person; null: it would not." }),
  host_floor: z
    .strictObject({ min_points: count, min_age_days: count })
    .nullable()
    .openapi({ description: "What the host keeps by itself, which is heeded; null: it has not said, and may refuse." }),
  marks: z
    .array(z.strictObject({ backup_id: z.string(), repository_id: z.string(), disk_id: count, mark, reasons }))
    .nullable()
    .openapi({ description: "Of every backup; null where there are too many items: ask for one of them." }),
});

export const previewBody = z
  .strictObject({
    removes: count,
    keeps: count,
    items: z.array(previewedItem),
    is_whole: z.boolean().openapi({ description: "false: there are more items than were looked at." }),
  })
  .openapi("RetentionPreview");

const MOST_WITH_MARKS = 20;

export function toPreview({ removes, keeps, items, isWhole }: RetentionPreview): z.input<typeof previewBody> {
  const withMarks = items.length <= MOST_WITH_MARKS;
  return { removes, keeps, items: items.map((item) => toItem(item, withMarks)), is_whole: isWhole };
}

function toItem({ summary: sums, hostFloor: floor, marks, ...item }: ItemPreview, withMarks: boolean) {
  const { points, keep, keepAsParent, merge, remove } = sums;
  return {
    ...{ agent_id: item.agentId, vm_context_id: item.vmContextId, waits_for: item.waitsFor },
    host_floor: floor === null ? null : { min_points: floor.minPoints, min_age_days: floor.minAgeDays },
    summary: { points, keep, keep_as_parent: keepAsParent, merge, remove },
    marks: withMarks ? marks.map(toPreviewedMark) : null,
  };
}

function toPreviewedMark({ point, mark: decided, reasons: why }: MarkedPoint) {
  const { backupId, repositoryId, diskId } = point;
  return { backup_id: backupId, repository_id: repositoryId, disk_id: diskId, mark: decided, reasons: why };
}

export const planState = z.enum(["waiting", "approved", "applying", "applied", "failed", "superseded", "rejected"]);

export const planBody = z
  .strictObject({
    plan_id: z.uuid(),
    agent_id: z.uuid(),
    vm_context_id: z.string(),
    policy_id: z.string(),
    policy_version: count,
    made_at: time,
    made_by: z.string(),
    state: planState,
    reason: z
      .string()
      .nullable()
      .openapi({ description: "Why it waits, why it was decided so, or why it was given up." }),
    keeps: count,
    merges: count,
    removes: count,
    removals: z.array(z.strictObject({ repository_id: z.string(), backup_ids: z.array(z.string()) })),
    left_ids: z.array(z.string()).openapi({ description: "What could not be removed." }),
    command_ids: z.array(z.string()),
    decided_at: time.nullable(),
    decided_by: z.string().nullable(),
    finished_at: time.nullable(),
    error: problem.nullable(),
  })
  .openapi("RetentionPlan");

export function toPlan(row: PlanRow): z.input<typeof planBody> {
  return {
    ...{ plan_id: row.planId, agent_id: row.agentId, vm_context_id: row.vmContextId },
    ...{ policy_id: row.policyId, policy_version: row.policyVersion, made_at: iso(row.madeAt), made_by: row.madeBy },
    ...{ state: row.state, reason: row.reason, keeps: row.keepCount, merges: row.mergeCount, removes: row.removeCount },
    ...{ removals: row.removals, left_ids: row.left, command_ids: row.commandIds },
    ...{ decided_at: isoOrNull(row.decidedAt), decided_by: row.decidedBy },
    ...{ finished_at: isoOrNull(row.finishedAt), error: row.error },
  };
}

export const markBody = z
  .strictObject({
    agent_id: z.uuid(),
    backup_id: z.string(),
    vm_context_id: z.string(),
    mark,
    reasons,
    policy_id: z.string(),
    plan_id: z.string().nullable(),
    decided_at: time,
  })
  .openapi("RetentionMark");

export function toMark(row: MarkRow): z.input<typeof markBody> {
  return {
    ...{ agent_id: row.agentId, backup_id: row.backupId, vm_context_id: row.vmContextId, mark: row.mark },
    ...{ reasons: row.reasons, policy_id: row.policyId, plan_id: row.planId, decided_at: iso(row.decidedAt) },
  };
}
