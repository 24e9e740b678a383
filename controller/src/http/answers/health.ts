import { z } from "@hono/zod-openapi";
import { band as bandOf, type HealthCounts, score as scoreOf } from "../../domain/health/score.ts";
import type { ScopeHealth } from "../../services/health/list.ts";
import type { StateRow, View } from "../../services/health/view.ts";
import { count, iso, isoOrNull, time } from "./common.ts";
import { healthMetricBody, rate, rateOrNull, toHealthMetric } from "./health-metric.ts";

export const band = z.enum(["good", "warning", "critical"]);
const seconds = z.number().nonnegative();

const worth = {
  score: rate.openapi({
    description: "0.5 backups + 0.3 verifications + 0.2 restore drills of seven days; a part without measurement is 0.",
  }),
  proven: z.boolean().openapi({ description: "false: a part of the score was not measured." }),
};
const measured = z.boolean().openapi({
  description: "false: nothing was measured in seven days, and the score is 0 because nothing is known.",
});
const parts = z.strictObject({
  backup: z.strictObject({ rate: rateOrNull, successful: count, total: count }),
  verification: z.strictObject({ rate: rateOrNull, passed: count, total: count }),
  restore_test: z.strictObject({ rate: rateOrNull, passed: count, total: count }),
});
const trend = z
  .enum(["rising", "steady", "falling"])
  .nullable()
  .openapi({ description: "Over the last seven days; null: of no two of them anything is known." });

const subject = {
  agent_id: z.string().nullable().openapi({ description: "null: nobody has said on which host it is." }),
  subject_kind: z.enum(["item", "aomei"]),
  vm_context_id: z.string().nullable(),
  job_id: z.number().int().nullable().openapi({ description: "Of a task of AOMEI Backupper." }),
  name: z.string(),
  policy_id: z.string().nullable(),
};

export const itemStateBody = z
  .strictObject({
    ...subject,
    ...worth,
    band,
    newest_good_at: time.nullable(),
    last_verified_at: time.nullable(),
    last_drilled_at: time.nullable(),
    rpo_target_seconds: count.nullable(),
    rto_target_seconds: count.nullable(),
    rto_median_seconds: seconds.nullable(),
    rto_worst_seconds: seconds.nullable(),
    compliant: z.boolean(),
    updated_at: time,
  })
  .openapi("ItemState");

export function toItemState(row: StateRow): z.input<typeof itemStateBody> {
  return {
    ...toSubject(row),
    ...{ score: row.score, band: row.band, proven: row.proven },
    newest_good_at: isoOrNull(row.lastGoodAt),
    last_verified_at: isoOrNull(row.lastVerifiedAt),
    last_drilled_at: isoOrNull(row.lastDrilledAt),
    rpo_target_seconds: row.rpoTargetSeconds,
    rto_target_seconds: row.rtoTargetSeconds,
    rto_median_seconds: row.rtoMedianSeconds,
    rto_worst_seconds: row.rtoWorstSeconds,
    compliant: row.compliant,
    updated_at: iso(row.updatedAt),
  };
}

function toSubject({ agentId, subjectKind, subjectId, name, policyId }: StateRow) {
  const isItem = subjectKind === "item";
  return {
    agent_id: agentId === "" ? null : agentId,
    subject_kind: subjectKind,
    vm_context_id: isItem ? subjectId : null,
    job_id: isItem ? null : Number(subjectId.slice("aomei:".length)),
    ...{ name, policy_id: policyId },
  };
}

export const itemHealthBody = z
  .strictObject({
    ...subject,
    ...worth,
    ...{ band, measured },
    parts,
    trend,
    rpo: z.strictObject({
      target_seconds: count.nullable(),
      newest_good_at: time.nullable(),
      age_seconds: count.nullable(),
      ok: z.boolean().nullable().openapi({ description: "null: there is no target, or the first is waited for." }),
      due_at: time.nullable().openapi({
        description: "When the newest good restore point is too old; without any, when it is too late for the first.",
      }),
    }),
    rto: z.strictObject({
      target_seconds: count.nullable(),
      median_seconds: seconds.nullable(),
      worst_seconds: seconds.nullable(),
      drills: count.openapi({ description: "That passed in the last 30 days, of backups that are there." }),
      ok: z.boolean().nullable().openapi({ description: "null: there is no target, or no drill has measured it." }),
    }),
    compliant: z.boolean(),
    true_until: time.nullable().openapi({ description: "Of `compliant`; null: as long as nothing happens." }),
  })
  .openapi("ItemHealth");

export function toItemHealth(view: View): z.input<typeof itemHealthBody> {
  const { row, score, rpo, rto, facts, compliance } = view;
  const { rpo_seconds, rto_seconds } = facts.targets;
  return {
    ...toSubject(row),
    ...{ score: score.score, band: row.band, proven: score.proven, measured: score.measured },
    ...{ parts: toParts(view.counts), trend: view.trend },
    rpo: {
      ...{ target_seconds: rpo_seconds, newest_good_at: isoOrNull(facts.lastGoodAt), age_seconds: rpo.ageSeconds },
      ...{ ok: rpo.ok, due_at: isoOrNull(rpo.dueAt) },
    },
    rto: {
      ...{ target_seconds: rto_seconds, median_seconds: rto.median, worst_seconds: rto.worst },
      ...{ drills: rto.drills, ok: rto.ok },
    },
    compliant: compliance.compliant,
    true_until: isoOrNull(compliance.trueUntil),
  };
}

function toParts(counts: HealthCounts): z.input<typeof parts> {
  const { rates } = scoreOf(counts);
  const { backup, verification, drill } = counts;
  return {
    backup: { rate: rates.backup, successful: backup.good, total: backup.total },
    verification: { rate: rates.verification, passed: verification.good, total: verification.total },
    restore_test: { rate: rates.drill, passed: drill.good, total: drill.total },
  };
}

export const scopeHealthBody = z
  .strictObject({
    ...worth,
    proven: z.boolean().openapi({ description: "Every part was measured, of every item." }),
    band: band.nullable().openapi({ description: "null: nothing is protected, and nothing was measured." }),
    measured,
    parts,
    trend,
    items: z.strictObject({
      ...{ total: count, good: count, warning: count, critical: count, compliant: count },
      unproven: count.openapi({ description: "Of these a part was not measured." }),
    }),
    days: z.array(healthMetricBody).openapi({ description: "The last fourteen days, oldest first." }),
  })
  .openapi("ScopeHealth");

export function toScopeHealth({
  counts,
  trend: way,
  days,
  bands,
  compliant,
  unproven,
}: ScopeHealth): z.input<typeof scopeHealthBody> {
  const { score, proven, measured } = scoreOf(counts);
  const { good, warning, critical } = bands;
  const total = good + warning + critical;
  return {
    ...{ score, band: total === 0 && !measured ? null : bandOf(score), measured },
    ...{ proven: proven && unproven === 0, parts: toParts(counts), trend: way },
    items: { total, good, warning, critical, compliant, unproven },
    days: days.map(toHealthMetric),
  };
}
