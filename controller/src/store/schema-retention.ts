/** What may be deleted, what was decided about it, and what may not whatever the rules say. */
import type { Problem } from "@holdfast/protocol";
import { isNull } from "drizzle-orm";
import type { Mark, MarkReason } from "../domain/retention/rules.ts";
import type { Dialect } from "./dialect.ts";

type PlanState = "waiting" | "approved" | "applying" | "applied" | "failed" | "superseded" | "rejected";

export function defineRetentionPlans(d: Dialect) {
  return d.table(
    "retention_plans",
    {
      planId: d.text("plan_id").primaryKey(),
      agentId: d.text("agent_id").notNull(),
      vmContextId: d.text("vm_context_id").notNull(),
      policyId: d.text("policy_id").notNull(),
      policyVersion: d.int("policy_version").notNull(),
      madeAt: d.time("made_at").notNull(),
      madeBy: d.text("made_by").notNull(),
      state: d.text("state").$type<PlanState>().notNull(),
      /** Why it waits for a person, or why it was given up. */
      reason: d.text("reason"),
      keepCount: d.int("keep_count").notNull(),
      mergeCount: d.int("merge_count").notNull(),
      removeCount: d.int("remove_count").notNull(),
      /** In the order of removal. */
      removals: d.json<{ repository_id: string; backup_ids: string[] }[]>("removals").notNull(),
      /** What its commands could not remove. */
      left: d.json<string[]>("left_ids").notNull(),
      commandIds: d.json<string[]>("command_ids").notNull(),
      decidedAt: d.time("decided_at"),
      decidedBy: d.text("decided_by"),
      finishedAt: d.time("finished_at"),
      error: d.json<Problem>("error"),
    },
    (t) => [
      d.index("retention_plans_newest").on(t.madeAt, t.planId),
      d.index("retention_plans_of_agent").on(t.agentId, t.madeAt, t.planId, t.state),
      d.index("retention_plans_of_item").on(t.agentId, t.vmContextId, t.madeAt, t.planId, t.state),
      d.index("retention_plans_item").on(t.vmContextId, t.madeAt, t.planId, t.state),
      d.index("retention_plans_state").on(t.state, t.madeAt, t.planId),
    ],
  );
}

/** What the last plan says about each backup: a cache. */
export function defineRetentionMarks(d: Dialect) {
  return d.table(
    "retention_marks",
    {
      agentId: d.text("agent_id").notNull(),
      backupId: d.text("backup_id").notNull(),
      vmContextId: d.text("vm_context_id").notNull(),
      mark: d.text("mark").$type<Mark>().notNull(),
      reasons: d.json<MarkReason[]>("reasons").notNull(),
      policyId: d.text("policy_id").notNull(),
      planId: d.text("plan_id"),
      decidedAt: d.time("decided_at").notNull(),
    },
    (t) => [
      d.primaryKey({ name: "retention_marks_pk", columns: [t.agentId, t.backupId] }),
      d.index("retention_marks_newest").on(t.decidedAt, t.backupId, t.agentId),
      d.index("retention_marks_of_item").on(t.agentId, t.vmContextId, t.decidedAt, t.backupId, t.mark),
      d.index("retention_marks_item").on(t.vmContextId, t.decidedAt, t.backupId, t.agentId, t.mark),
      d.index("retention_marks_of_agent").on(t.agentId, t.decidedAt, t.backupId, t.mark),
      d.index("retention_marks_mark").on(t.mark, t.decidedAt, t.backupId, t.agentId),
    ],
  );
}

export function defineHolds(d: Dialect) {
  return d.table(
    "holds",
    {
      holdId: d.text("hold_id").primaryKey(),
      agentId: d.text("agent_id").notNull(),
      vmContextId: d.text("vm_context_id").notNull(),
      /** null: the whole item, with what is to come. */
      backupId: d.text("backup_id"),
      kind: d.text("kind").$type<"legal" | "immutable">().notNull(),
      /** null: until it is released. */
      until: d.time("until"),
      reason: d.text("reason").notNull(),
      createdAt: d.time("created_at").notNull(),
      createdBy: d.text("created_by").notNull(),
      releasedAt: d.time("released_at"),
      releasedBy: d.text("released_by"),
      releaseReason: d.text("release_reason"),
    },
    (t) => [
      d.index("holds_newest").on(t.createdAt, t.holdId, t.releasedAt),
      d.index("holds_of_agent").on(t.agentId, t.createdAt, t.holdId, t.vmContextId, t.releasedAt),
      d.index("holds_item").on(t.vmContextId, t.createdAt, t.holdId, t.agentId, t.releasedAt),
      d.index("holds_open").on(t.agentId, t.vmContextId).where(isNull(t.releasedAt)),
    ],
  );
}
