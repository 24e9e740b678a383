/** What is wrong: each condition as it is, each change of one, and the alerts that were made of the changes. */
import { isNotNull, isNull } from "drizzle-orm";
import type { AlertMatch, AlertType, Severity, SubjectKind } from "../domain/alert/observation.ts";
import type { Dialect } from "./dialect.ts";

type Evidence = Record<string, unknown>;

/** Who it is about. */
function subject(d: Dialect) {
  return {
    subjectKey: d.text("subject_key").notNull(),
    type: d.text("type").$type<AlertType>().notNull(),
    subjectKind: d.text("subject_kind").$type<SubjectKind>().notNull(),
    agentId: d.text("agent_id"),
  };
}

/** What is to be said about it. */
function story(d: Dialect) {
  return {
    severity: d.text("severity").$type<Severity>().notNull(),
    message: d.text("message").notNull(),
    evidence: d.json<Evidence>("evidence").notNull(),
    /** The subject whose own trouble explains this one. */
    rootKey: d.text("root_key"),
  };
}

export function defineConditions(d: Dialect) {
  return d.table(
    "conditions",
    {
      ...subject(d),
      ...story(d),
      state: d.text("state").$type<"firing" | "ok">().notNull(),
      since: d.time("since").notNull(),
    },
    (t) => [
      d.primaryKey({ name: "conditions_pk", columns: [t.subjectKey, t.type] }),
      d.index("conditions_of_agent").on(t.agentId, t.type),
      d.index("conditions_firing").on(t.state, t.type, t.since),
    ],
  );
}

/** Written with the change itself, and taken by the alerts once. */
export function defineFlips(d: Dialect) {
  return d.table(
    "flips",
    {
      flipId: d.counter("flip_id"),
      ...subject(d),
      ...story(d),
      state: d.text("state").$type<"firing" | "ok">().notNull(),
      at: d.time("at").notNull(),
      processedAt: d.time("processed_at"),
    },
    (t) => [
      d.index("flips_waiting").on(t.flipId).where(isNull(t.processedAt)),
      d.index("flips_of_subject").on(t.subjectKey, t.type, t.flipId),
      d.index("flips_at").on(t.at, t.flipId),
    ],
  );
}

export function defineAlerts(d: Dialect) {
  return d.table(
    "alerts",
    {
      alertId: d.text("alert_id").primaryKey(),
      ...subject(d),
      ...story(d),
      vmContextId: d.text("vm_context_id"),
      locationId: d.text("location_id"),
      backupId: d.text("backup_id"),
      policyId: d.text("policy_id"),
      state: d.text("state").$type<"open" | "resolved">().notNull(),
      /** The alert that explains this one: it is told instead. */
      inhibitedBy: d.text("inhibited_by"),
      createdAt: d.time("created_at").notNull(),
      /** Of the newest flip. */
      changedAt: d.time("changed_at").notNull(),
      resolvedAt: d.time("resolved_at"),
      resolvedReason: d.text("resolved_reason"),
      acknowledgedAt: d.time("acknowledged_at"),
      acknowledgedBy: d.text("acknowledged_by"),
      escalatedAt: d.time("escalated_at"),
      lastNotifiedAt: d.time("last_notified_at"),
      notifiedCount: d.int("notified_count").notNull(),
      /** When somebody has to look whether it is to be told; null: not by time alone. */
      nextLookAt: d.time("next_look_at"),
    },
    (t) => [
      d.uniqueIndex("alerts_one_open").on(t.subjectKey, t.type).where(isNull(t.resolvedAt)),
      d.index("alerts_newest").on(t.createdAt, t.alertId),
      d.index("alerts_of_agent").on(t.agentId, t.createdAt, t.alertId, t.state, t.severity, t.type),
      d.index("alerts_state").on(t.state, t.createdAt, t.alertId, t.severity, t.type, t.agentId),
      d.index("alerts_severity").on(t.severity, t.createdAt, t.alertId, t.type, t.agentId),
      d.index("alerts_type").on(t.type, t.createdAt, t.alertId, t.agentId),
      d.index("alerts_of_subject").on(t.subjectKey, t.createdAt, t.alertId),
      d.index("alerts_inhibited").on(t.inhibitedBy).where(isNotNull(t.inhibitedBy)),
      d.index("alerts_look").on(t.nextLookAt).where(isNotNull(t.nextLookAt)),
    ],
  );
}

export function defineAlertNotes(d: Dialect) {
  return d.table(
    "alert_notes",
    {
      noteId: d.text("note_id").primaryKey(),
      alertId: d.text("alert_id").notNull(),
      at: d.time("at").notNull(),
      author: d.text("author").notNull(),
      text: d.text("text").notNull(),
    },
    (t) => [d.index("alert_notes_of_alert").on(t.alertId, t.at, t.noteId)],
  );
}

export function defineSilences(d: Dialect) {
  return d.table(
    "silences",
    {
      silenceId: d.text("silence_id").primaryKey(),
      match: d.json<AlertMatch>("match").notNull(),
      startsAt: d.time("starts_at").notNull(),
      endsAt: d.time("ends_at").notNull(),
      reason: d.text("reason").notNull(),
      createdAt: d.time("created_at").notNull(),
      createdBy: d.text("created_by").notNull(),
      endedAt: d.time("ended_at"),
    },
    (t) => [
      d.index("silences_newest").on(t.createdAt, t.silenceId, t.endedAt),
      d.index("silences_open").on(t.endsAt).where(isNull(t.endedAt)),
    ],
  );
}
