import { scheduleSpec } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import type { ListedJob } from "../../services/ledger/list.ts";
import type { ExpectedRow } from "../../services/ledger/rows.ts";
import { count, iso, isoOrNull, time } from "./common.ts";

export const taskInQuery = z.enum(["backup", "verify", "drill"]);
export const expectedState = z.enum([
  ...(["expected", "running", "ran", "ran_late", "missed"] as const),
  ...(["skipped", "coalesced", "unknown", "withdrawn"] as const),
]);

export const expectedRunBody = z
  .strictObject({
    agent_id: z.string(),
    subject_kind: z.enum(["item", "aomei"]),
    vm_context_id: z.string().nullable().openapi({ description: "Of an item." }),
    job_id: z.number().int().nullable().openapi({ description: "Of a task of AOMEI Backupper." }),
    task: taskInQuery,
    due_at: time,
    starts_at: time.openapi({ description: "When it begins: later than due by the job's jitter." }),
    grace_until: time.openapi({ description: "What begins later is late; what has not begun by then is missed." }),
    state: expectedState.openapi({
      description:
        "`unknown`: its agent is away and cannot say; `coalesced`: a later run made up for it; `withdrawn`: the plan changed before. A run that failed did run: see `run_state`.",
    }),
    reason: z.string().nullable(),
    run_id: z.string().nullable().openapi({ description: "The last attempt, or the run that made up for it." }),
    run_state: z.enum(["running", "completed", "failed", "cancelled", "lost"]).nullable(),
    attempt: count.nullable(),
    policy_id: z.string().nullable(),
    policy_version: count.nullable(),
    settled_at: time.nullable().openapi({ description: "A late report may settle it again." }),
  })
  .openapi("ExpectedRun");

export function toExpectedRun(row: ExpectedRow): z.input<typeof expectedRunBody> {
  const isItem = row.subjectKind === "item";
  return {
    agent_id: row.agentId,
    subject_kind: row.subjectKind,
    vm_context_id: isItem ? row.subjectId : null,
    job_id: isItem ? null : Number(row.subjectId),
    task: row.task,
    due_at: iso(row.dueAt),
    starts_at: iso(row.startsAt),
    grace_until: iso(row.graceUntil),
    state: row.state,
    reason: row.reason,
    run_id: row.runId,
    run_state: row.runState,
    attempt: row.attempt,
    policy_id: row.policyId,
    policy_version: row.policyVersion,
    settled_at: isoOrNull(row.settledAt),
  };
}

export const jobBody = z
  .strictObject({
    agent_id: z.string(),
    vm_context_id: z.string(),
    task: taskInQuery,
    policy_id: z.string().nullable(),
    policy_version: count.nullable(),
    schedule: scheduleSpec.nullable().openapi({ description: "null: not by the clock, but after each backup." }),
    grace_seconds: count,
    stall_seconds: count.openapi({ description: "Without progress for so long a run is hung." }),
    effective_from: time.openapi({ description: "When the host's word came that it runs it so." }),
    next_due_at: time.nullable(),
    last: expectedRunBody.nullable().openapi({ description: "The run that was due last." }),
  })
  .openapi("Job");

export function toJob({ job, last }: ListedJob): z.input<typeof jobBody> {
  return {
    agent_id: job.agentId,
    vm_context_id: job.subjectId,
    task: job.task,
    policy_id: job.policyId,
    policy_version: job.policyVersion,
    schedule: job.plan?.schedule ?? null,
    grace_seconds: job.graceSeconds,
    stall_seconds: job.stallSeconds,
    effective_from: iso(job.effectiveFrom),
    next_due_at: isoOrNull(job.nextDueAt),
    last: last === null ? null : toExpectedRun(last),
  };
}
