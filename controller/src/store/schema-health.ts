/** What everything is worth, day by day and now: caches of what the history says. */
import { isNotNull } from "drizzle-orm";
import type { Digit } from "../domain/compliance/digit.ts";
import type { JobSubjectKind } from "../domain/ledger/expected.ts";
import type { Dialect } from "./dialect.ts";

/** Counts of one day (UTC); the rates are null where nothing was measured. */
export function defineHealthDaily(d: Dialect) {
  return d.table(
    "health_daily",
    {
      scopeKind: d.text("scope_kind").$type<"fleet" | "agent" | "item" | "aomei" | "location">().notNull(),
      /** `fleet`, an agent's id, `<agent id>/<item>`, the number of an AOMEI job. */
      scopeId: d.text("scope_id").notNull(),
      /** YYYY-MM-DD. */
      metricDate: d.text("metric_date").notNull(),
      totalBackups: d.int("total_backups").notNull(),
      successfulBackups: d.int("successful_backups").notNull(),
      failedBackups: d.int("failed_backups").notNull(),
      totalSizeBytes: d.int("total_size_bytes").notNull(),
      verificationsTotal: d.int("verifications_total").notNull(),
      verificationsPassed: d.int("verifications_passed").notNull(),
      drillsTotal: d.int("drills_total").notNull(),
      drillsPassed: d.int("drills_passed").notNull(),
      verificationSuccessRate: d.real("verification_success_rate"),
      restoreTestSuccessRate: d.real("restore_test_success_rate"),
      /** Of the seven days that end with this one. */
      healthScore: d.real("health_score").notNull(),
      updatedAt: d.time("updated_at").notNull(),
    },
    (t) => [
      d.primaryKey({ name: "health_daily_pk", columns: [t.scopeKind, t.scopeId, t.metricDate] }),
      d.index("health_daily_date").on(t.metricDate, t.scopeKind, t.scopeId),
    ],
  );
}

/** Days whose counts have to be taken anew. */
export function defineHealthDirty(d: Dialect) {
  return d.table(
    "health_dirty",
    {
      agentId: d.text("agent_id").notNull(),
      metricDate: d.text("metric_date").notNull(),
      since: d.time("since").notNull(),
    },
    (t) => [
      d.primaryKey({ name: "health_dirty_pk", columns: [t.agentId, t.metricDate] }),
      d.index("health_dirty_since").on(t.since),
    ],
  );
}

type Band = "good" | "warning" | "critical";

export function defineItemStates(d: Dialect) {
  return d.table(
    "item_states",
    {
      agentId: d.text("agent_id").notNull(),
      subjectId: d.text("subject_id").notNull(),
      subjectKind: d.text("subject_kind").$type<JobSubjectKind>().notNull(),
      name: d.text("name").notNull(),
      policyId: d.text("policy_id"),
      createdAt: d.time("created_at").notNull(),
      score: d.real("score").notNull(),
      band: d.text("band").$type<Band>().notNull(),
      /** Every part of the score was measured. */
      proven: d.bool("proven").notNull(),
      lastGoodAt: d.time("last_good_at"),
      lastVerifiedAt: d.time("last_verified_at"),
      lastDrilledAt: d.time("last_drilled_at"),
      rpoTargetSeconds: d.int("rpo_target_seconds"),
      rtoTargetSeconds: d.int("rto_target_seconds"),
      /** Measured by drills. */
      rtoMedianSeconds: d.real("rto_median_seconds"),
      rtoWorstSeconds: d.real("rto_worst_seconds"),
      compliant: d.bool("compliant").notNull(),
      digits: d.json<Digit[]>("digits").notNull(),
      /** When something of this stops being true by time alone. */
      recheckAt: d.time("recheck_at"),
      updatedAt: d.time("updated_at").notNull(),
    },
    (t) => [
      d.primaryKey({ name: "item_states_pk", columns: [t.agentId, t.subjectId] }),
      d.index("item_states_newest").on(t.createdAt, t.subjectId, t.agentId, t.band, t.compliant),
      d.index("item_states_of_agent").on(t.agentId, t.createdAt, t.subjectId, t.band, t.compliant),
      d.index("item_states_band").on(t.band, t.createdAt, t.subjectId, t.agentId, t.compliant),
      d.index("item_states_compliant").on(t.compliant, t.createdAt, t.subjectId, t.agentId, t.band),
      d.index("item_states_of_policy").on(t.policyId),
      d.index("item_states_proven").on(t.proven, t.agentId),
      d.index("item_states_recheck").on(t.recheckAt).where(isNotNull(t.recheckAt)),
    ],
  );
}

/** What nobody can see from the host: where a repository is kept. Said by people. */
export function defineRepositoryTraits(d: Dialect) {
  return d.table(
    "repository_traits",
    {
      agentId: d.text("agent_id").notNull(),
      repositoryId: d.text("repository_id").notNull(),
      media: d.text("media").notNull(),
      offSite: d.bool("off_site").notNull(),
      offline: d.bool("offline").notNull(),
      immutable: d.bool("immutable").notNull(),
      setAt: d.time("set_at").notNull(),
      setBy: d.text("set_by").notNull(),
    },
    (t) => [d.primaryKey({ name: "repository_traits_pk", columns: [t.agentId, t.repositoryId] })],
  );
}
