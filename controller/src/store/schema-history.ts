/** What happened: events as they came, and what was made of them. No foreign keys here: this is the hot path. */
import type { Drill, Problem, RunEnd, RunKind, RunProgress, TaskName, Verification } from "@holdfast/protocol";
import { isNotNull } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Dialect } from "./dialect.ts";
import { isUncommon } from "./uncommon.ts";

export type ExecutionState = "running" | RunEnd;

export function defineEvents(d: Dialect) {
  return d.table(
    "events",
    {
      cursor: d.counter("cursor"),
      eventId: d.text("event_id").notNull(),
      agentId: d.text("agent_id").notNull(),
      epoch: d.text("epoch").notNull(),
      seq: d.int("seq").notNull(),
      kind: d.text("kind").notNull(),
      at: d.time("at").notNull(),
      receivedAt: d.time("received_at").notNull(),
      subject: d.text("subject"),
      body: d.json<Record<string, unknown>>("body").notNull(),
      /** Why it was not applied; null: it was. */
      problem: d.text("problem"),
    },
    (t) => [d.uniqueIndex("events_event_id").on(t.eventId), d.index("events_of_agent").on(t.agentId, t.cursor)],
  );
}

export function defineExecutions(d: Dialect) {
  return d.table(
    "executions",
    {
      runId: d.text("run_id").primaryKey(),
      agentId: d.text("agent_id").notNull(),
      kind: d.text("kind").$type<RunKind>().notNull(),
      vmContextId: d.text("vm_context_id").notNull(),
      repositoryId: d.text("repository_id"),
      subject: d.text("subject"),
      commandId: d.text("command_id"),
      state: d.text("state").$type<ExecutionState>().notNull(),
      outcome: d.text("outcome"),
      error: d.json<Problem>("error"),
      /** How far it is; null once it ended. */
      progress: d.json<RunProgress>("progress"),
      startedAt: d.time("started_at").notNull(),
      endedAt: d.time("ended_at"),
      receivedAt: d.time("received_at").notNull(),
      /** What it was begun for by itself; null: a command or a person asked for it. */
      policyId: d.text("policy_id"),
      policyVersion: d.int("policy_version"),
      task: d.text("task").$type<TaskName>(),
      dueAt: d.time("due_at"),
      attempt: d.int("attempt"),
      /** When its progress last changed, by this controller's clock. */
      progressedAt: d.time("progressed_at"),
      hungAt: d.time("hung_at"),
    },
    (t) => [
      // Kind and state follow the order, so that the common ones are looked for, and counted, in the index alone.
      d.index("executions_newest").on(t.startedAt, t.runId, t.kind, t.state),
      d.index("executions_of_agent").on(t.agentId, t.startedAt, t.runId, t.kind, t.state),
      d.index("executions_of_item").on(t.vmContextId, t.startedAt, t.runId),
      d.index("executions_state").on(t.state, t.startedAt, t.runId, t.kind).where(isUncommon("runState", t.state)),
      d.index("executions_kind").on(t.kind, t.startedAt, t.runId, t.state).where(isUncommon("runKind", t.kind)),
      ...uncommonOfAgent(d, t),
      // Without its empty entries, which would make statistics say that it finds everything.
      d.index("executions_of_command").on(t.commandId).where(isNotNull(t.commandId)),
    ],
  );
}

function uncommonOfAgent(d: Dialect, t: Record<"agentId" | "kind" | "state" | "startedAt" | "runId", SQLiteColumn>) {
  const time = [t.startedAt, t.runId] as const;
  return [
    d
      .index("executions_of_agent_state")
      .on(t.agentId, t.state, ...time, t.kind)
      .where(isUncommon("runState", t.state)),
    d
      .index("executions_of_agent_kind")
      .on(t.agentId, t.kind, ...time, t.state)
      .where(isUncommon("runKind", t.kind)),
  ];
}

export function defineVerifications(d: Dialect) {
  return d.table(
    "verifications",
    {
      verificationId: d.text("verification_id").primaryKey(),
      agentId: d.text("agent_id").notNull(),
      backupId: d.text("backup_id").notNull(),
      status: d.text("status").$type<Verification["status"]>().notNull(),
      cached: d.bool("cached").notNull(),
      verifiedAt: d.time("verified_at").notNull(),
      body: d.json<Verification>("body").notNull(),
    },
    (t) => [
      d.index("verifications_newest").on(t.verifiedAt, t.verificationId),
      d.index("verifications_status").on(t.status, t.verifiedAt, t.verificationId),
      d.index("verifications_of_agent").on(t.agentId, t.verifiedAt, t.verificationId, t.status),
      d.index("verifications_of_backup").on(t.backupId, t.agentId, t.verifiedAt),
    ],
  );
}

export function defineDrills(d: Dialect) {
  return d.table(
    "drills",
    {
      drillId: d.text("drill_id").primaryKey(),
      agentId: d.text("agent_id").notNull(),
      backupId: d.text("backup_id").notNull(),
      status: d.text("status").$type<Drill["status"]>().notNull(),
      level: d.text("level").$type<Drill["level"]>().notNull(),
      restoreSeconds: d.real("restore_seconds"),
      drilledAt: d.time("drilled_at").notNull(),
      body: d.json<Drill>("body").notNull(),
    },
    (t) => [
      d.index("drills_newest").on(t.drilledAt, t.drillId),
      d.index("drills_status").on(t.status, t.drilledAt, t.drillId),
      d.index("drills_of_agent").on(t.agentId, t.drilledAt, t.drillId, t.status),
      d.index("drills_of_backup").on(t.backupId, t.agentId, t.drilledAt),
    ],
  );
}
