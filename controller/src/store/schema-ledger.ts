/** Every run that should happen, and what became of it; and how far those that follow the events have read. */
import type { TaskName } from "@holdfast/protocol";
import { isNotNull, isNull } from "drizzle-orm";
import type { ExpectedState, JobSubjectKind } from "../domain/ledger/expected.ts";
import type { Dialect } from "./dialect.ts";
import type { ExecutionState } from "./schema-history.ts";

export function defineExpectedRuns(d: Dialect) {
  return d.table(
    "expected_runs",
    {
      agentId: d.text("agent_id").notNull(),
      subjectId: d.text("subject_id").notNull(),
      task: d.text("task").$type<TaskName>().notNull(),
      dueAt: d.time("due_at").notNull(),
      subjectKind: d.text("subject_kind").$type<JobSubjectKind>().notNull(),
      policyId: d.text("policy_id"),
      policyVersion: d.int("policy_version"),
      /** With the job's jitter. */
      startsAt: d.time("starts_at").notNull(),
      graceUntil: d.time("grace_until").notNull(),
      state: d.text("state").$type<ExpectedState>().notNull(),
      reason: d.text("reason"),
      /** The last attempt. */
      runId: d.text("run_id"),
      runState: d.text("run_state").$type<ExecutionState>(),
      attempt: d.int("attempt"),
      writtenAt: d.time("written_at").notNull(),
      /** Settled for now: a late report may settle it again. */
      settledAt: d.time("settled_at"),
    },
    (t) => [
      d.primaryKey({ name: "expected_runs_pk", columns: [t.agentId, t.subjectId, t.task, t.dueAt] }),
      // What follows the order in each are the list's other filters.
      d.index("expected_runs_newest").on(t.dueAt, t.agentId, t.subjectId, t.task),
      d.index("expected_runs_of_agent").on(t.agentId, t.dueAt, t.subjectId, t.task, t.state),
      d.index("expected_runs_of_subject").on(t.subjectId, t.dueAt, t.agentId, t.task, t.state),
      d.index("expected_runs_state").on(t.state, t.dueAt, t.agentId, t.subjectId, t.task),
      d.index("expected_runs_of_agent_state").on(t.agentId, t.state, t.dueAt, t.subjectId, t.task),
      d.index("expected_runs_task").on(t.task, t.dueAt, t.agentId, t.subjectId, t.state),
      d.index("expected_runs_open").on(t.graceUntil).where(isNull(t.settledAt)),
      d.index("expected_runs_run").on(t.runId).where(isNotNull(t.runId)),
    ],
  );
}

/** Who follows the events, and the last one that each has taken in. */
export function defineProjections(d: Dialect) {
  return d.table("projections", {
    name: d.text("name").primaryKey(),
    cursor: d.int("cursor").notNull(),
    at: d.time("at").notNull(),
  });
}
