/** What is to be run, by which policy, and when nothing is. */
import type { TaskName, TaskPlan } from "@holdfast/protocol";
import { isNull } from "drizzle-orm";
import type { JobSubjectKind } from "../domain/ledger/expected.ts";
import type { PolicyBody, Selector } from "../domain/policy/policy-body.ts";
import type { Dialect } from "./dialect.ts";

/** By `<agent_id>/<vm_context_id>`, of those that would have lost any. `others`: of every other one. */
export type ItemRemovals = { items: Record<string, number>; others: number };

export function definePolicies(d: Dialect) {
  return d.table(
    "policies",
    {
      policyId: d.text("policy_id").primaryKey(),
      name: d.text("name").notNull(),
      version: d.int("version").notNull(),
      enabled: d.bool("enabled").notNull(),
      priority: d.int("priority").notNull(),
      body: d.json<PolicyBody>("body").notNull(),
      createdAt: d.time("created_at").notNull(),
      createdBy: d.text("created_by").notNull(),
      updatedAt: d.time("updated_at").notNull(),
      updatedBy: d.text("updated_by").notNull(),
      retiredAt: d.time("retired_at"),
    },
    (t) => [
      d.uniqueIndex("policies_name").on(t.name).where(isNull(t.retiredAt)),
      d.index("policies_newest").on(t.createdAt, t.policyId, t.enabled, t.retiredAt),
    ],
  );
}

export function definePolicyVersions(d: Dialect) {
  return d.table(
    "policy_versions",
    {
      policyId: d.text("policy_id").notNull(),
      version: d.int("version").notNull(),
      body: d.json<PolicyBody>("body").notNull(),
      at: d.time("at").notNull(),
      author: d.text("author").notNull(),
      reason: d.text("reason").notNull(),
      /** How many backups it would have removed when it was approved; null: nobody looked. */
      removals: d.int("removals"),
      keeps: d.int("keeps"),
      /** The same of each item; null: nobody looked, or an older version did, which did not note it. */
      itemRemovals: d.json<ItemRemovals>("item_removals"),
    },
    (t) => [d.primaryKey({ name: "policy_versions_pk", columns: [t.policyId, t.version] })],
  );
}

/** Which policy an item has: a cache of what the policies and the hosts' labels say. */
export function defineItemPolicies(d: Dialect) {
  return d.table(
    "item_policies",
    {
      agentId: d.text("agent_id").notNull(),
      vmContextId: d.text("vm_context_id").notNull(),
      policyId: d.text("policy_id").notNull(),
      boundBy: d.text("bound_by").$type<"explicit" | "selector">().notNull(),
      since: d.time("since").notNull(),
    },
    (t) => [
      d.primaryKey({ name: "item_policies_pk", columns: [t.agentId, t.vmContextId] }),
      d.index("item_policies_of_policy").on(t.policyId, t.since, t.vmContextId, t.agentId),
    ],
  );
}

/** What its host has said that it runs: one task of one item. */
export function defineJobs(d: Dialect) {
  return d.table(
    "jobs",
    {
      agentId: d.text("agent_id").notNull(),
      /** The item's vm_context_id, or the number of an AOMEI job. */
      subjectId: d.text("subject_id").notNull(),
      task: d.text("task").$type<TaskName>().notNull(),
      subjectKind: d.text("subject_kind").$type<JobSubjectKind>().notNull(),
      policyId: d.text("policy_id"),
      policyVersion: d.int("policy_version"),
      /** With its zone decided; null: nothing by the clock. */
      plan: d.json<TaskPlan>("plan"),
      graceSeconds: d.int("grace_seconds").notNull(),
      stallSeconds: d.int("stall_seconds").notNull(),
      /** Runs that are due later are expected by this plan. */
      effectiveFrom: d.time("effective_from").notNull(),
      /** Up to here they are written down. */
      expectedThrough: d.time("expected_through").notNull(),
      /** null: nothing is due by the clock. */
      nextDueAt: d.time("next_due_at"),
      endedAt: d.time("ended_at"),
      endedReason: d.text("ended_reason"),
    },
    (t) => [
      d.primaryKey({ name: "jobs_pk", columns: [t.agentId, t.subjectId, t.task] }),
      d.index("jobs_due").on(t.nextDueAt).where(isNull(t.endedAt)),
      d.index("jobs_newest").on(t.effectiveFrom, t.agentId, t.subjectId, t.task, t.endedAt),
      d.index("jobs_of_agent").on(t.agentId, t.effectiveFrom, t.subjectId, t.task, t.endedAt),
      d.index("jobs_of_subject").on(t.subjectId, t.effectiveFrom, t.agentId, t.task, t.endedAt),
      d.index("jobs_of_policy").on(t.policyId),
    ],
  );
}

/** Once (`startsAt` to `endsAt`), or again and again (`cron` in `zone`, so long each). */
export function defineMaintenanceWindows(d: Dialect) {
  return d.table(
    "maintenance_windows",
    {
      windowId: d.text("window_id").primaryKey(),
      name: d.text("name").notNull(),
      selector: d.json<Selector>("selector").notNull(),
      startsAt: d.time("starts_at").notNull(),
      endsAt: d.time("ends_at"),
      cron: d.text("cron"),
      zone: d.text("zone").notNull(),
      durationSeconds: d.int("duration_seconds"),
      /** Nothing begins on these hosts meanwhile; otherwise only the alerts are quiet. */
      suspendRuns: d.bool("suspend_runs").notNull(),
      reason: d.text("reason").notNull(),
      createdAt: d.time("created_at").notNull(),
      createdBy: d.text("created_by").notNull(),
      endedAt: d.time("ended_at"),
    },
    (t) => [
      d.index("maintenance_windows_newest").on(t.createdAt, t.windowId, t.endedAt),
      d.index("maintenance_windows_open").on(t.startsAt).where(isNull(t.endedAt)),
    ],
  );
}
