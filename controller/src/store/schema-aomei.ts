/** AOMEI Backupper's tasks, their runs, who told of them, and what images there are. No foreign keys, as in the history. */
import type { AomeiImage, AomeiSourceState } from "@holdfast/protocol";
import { isNotNull } from "drizzle-orm";
import type { CopyType } from "../domain/aomei/copy.ts";
import type { ExpectationKind } from "../domain/aomei/expectation.ts";
import type { Teller } from "../domain/aomei/run.ts";
import type { RunStatus, ToldStatus } from "../domain/aomei/status.ts";
import type { Dialect } from "./dialect.ts";

export type AomeiJobType = "system_image" | "file" | "database" | "vm";

export function defineAomeiJobs(d: Dialect) {
  return d.table(
    "aomei_jobs",
    {
      jobId: d.int("job_id").notNull(),
      /** The host whose task it is; null: a script registered it and nobody said where it runs. */
      agentId: d.text("agent_id"),
      /** As the log has it, in lower case with its braces; null: no log has named it so far. */
      taskGuid: d.text("task_guid"),
      taskName: d.text("task_name").notNull(),
      /** The time of the log's entry that named it last; null: named by a script. */
      namedAt: d.time("named_at"),
      jobType: d.text("job_type").$type<AomeiJobType>().notNull(),
      targetServer: d.text("target_server").notNull(),
      targetPath: d.text("target_path"),
      description: d.text("description").notNull(),
      isActive: d.bool("is_active").notNull(),
      retentionDays: d.int("retention_days").notNull(),
      expectation: d.text("expectation").$type<ExpectationKind>().notNull(),
      setSeconds: d.int("set_seconds"),
      learnedSeconds: d.int("learned_seconds"),
      /** Of the primary copy's newest run; caches, as `learnedSeconds` is. */
      lastRunAt: d.time("last_run_at"),
      lastStatus: d.text("last_status").$type<RunStatus>(),
      /** The job that this one became part of: its id goes on to work. */
      mergedInto: d.int("merged_into"),
      createdAt: d.time("created_at").notNull(),
      updatedAt: d.time("updated_at").notNull(),
    },
    (t) => [
      d.primaryKey({ name: "aomei_jobs_pk", columns: [t.jobId] }),
      d.uniqueIndex("aomei_jobs_task").on(t.agentId, t.taskGuid),
      d.index("aomei_jobs_newest").on(t.createdAt, t.jobId),
      d.index("aomei_jobs_of_agent").on(t.agentId, t.createdAt, t.jobId),
    ],
  );
}

/** Every name that a job was given, and by whom: `agent`, or `api-key:<the first key of its line>`. */
export function defineAomeiJobNames(d: Dialect) {
  return d.table(
    "aomei_job_names",
    {
      source: d.text("source").notNull(),
      name: d.text("name").notNull(),
      jobId: d.int("job_id").notNull(),
      since: d.time("since").notNull(),
    },
    (t) => [
      d.primaryKey({ name: "aomei_job_names_pk", columns: [t.source, t.name, t.jobId] }),
      d.index("aomei_job_names_of_job").on(t.jobId),
    ],
  );
}

export function defineAomeiRuns(d: Dialect) {
  return d.table(
    "aomei_runs",
    {
      runId: d.text("run_id").primaryKey(),
      jobId: d.int("job_id").notNull(),
      copyType: d.text("copy_type").$type<CopyType>().notNull(),
      media: d.text("media").notNull(),
      storagePath: d.text("storage_path"),
      status: d.text("status").$type<RunStatus>().notNull(),
      scriptStatus: d.text("script_status").$type<ToldStatus>(),
      agentStatus: d.text("agent_status").$type<ToldStatus>(),
      startedAt: d.time("started_at"),
      endedAt: d.time("ended_at"),
      occurredAt: d.time("occurred_at").notNull(),
      receivedAt: d.time("received_at").notNull(),
      sizeBytes: d.int("size_bytes"),
      durationSeconds: d.real("duration_seconds"),
      taskName: d.text("task_name"),
      errorMessage: d.text("error_message"),
      details: d.json<unknown>("details"),
      operation: d.text("operation"),
      resultCode: d.int("result_code"),
    },
    (t) => [
      d.index("aomei_runs_of_job").on(t.jobId, t.occurredAt, t.runId),
      d.index("aomei_runs_of_copy").on(t.jobId, t.copyType, t.media, t.status, t.occurredAt),
      d.index("aomei_runs_newest").on(t.occurredAt, t.runId),
    ],
  );
}

/** What was told, once each: by it a report that comes again is known. */
export function defineAomeiReports(d: Dialect) {
  return d.table(
    "aomei_reports",
    {
      reportId: d.text("report_id").primaryKey(),
      runId: d.text("run_id").notNull(),
      jobId: d.int("job_id").notNull(),
      teller: d.text("teller").$type<Teller>().notNull(),
      copyType: d.text("copy_type").$type<CopyType>().notNull(),
      status: d.text("status").$type<ToldStatus>().notNull(),
      startedAt: d.time("started_at"),
      endedAt: d.time("ended_at"),
      /** sha256 of what was told, hex. */
      digest: d.text("digest").notNull(),
      receivedAt: d.time("received_at").notNull(),
    },
    (t) => [
      d.index("aomei_reports_of_run").on(t.runId),
      d.index("aomei_reports_ended").on(t.jobId, t.endedAt),
      d.index("aomei_reports_digest").on(t.digest, t.receivedAt),
    ],
  );
}

/** A cache of what the runs say, written with them. */
export function defineAomeiCopies(d: Dialect) {
  return d.table(
    "aomei_copies",
    {
      jobId: d.int("job_id").notNull(),
      copyType: d.text("copy_type").$type<CopyType>().notNull(),
      media: d.text("media").notNull(),
      /** Of the newest run. */
      status: d.text("status").$type<RunStatus>().notNull(),
      lastRunAt: d.time("last_run_at").notNull(),
      /** Of the newest run that succeeded: no other one moves them. */
      lastGoodAt: d.time("last_good_at"),
      sizeBytes: d.int("size_bytes"),
      path: d.text("path"),
    },
    (t) => [d.primaryKey({ name: "aomei_copies_pk", columns: [t.jobId, t.copyType, t.media] })],
  );
}

/** Whether a host's log or its folder of images can be read, and why not. */
export function defineAomeiSources(d: Dialect) {
  return d.table(
    "aomei_sources",
    {
      agentId: d.text("agent_id").notNull(),
      source: d.text("source").notNull(),
      sourceKind: d.text("source_kind").$type<AomeiSourceState["source_kind"]>().notNull(),
      state: d.text("state").$type<AomeiSourceState["state"]>().notNull(),
      reason: d.text("reason"),
      findings: d.json<AomeiSourceState["findings"]>("findings").notNull(),
      toldAt: d.time("told_at").notNull(),
    },
    (t) => [d.primaryKey({ name: "aomei_sources_pk", columns: [t.agentId, t.source] })],
  );
}

export function defineAomeiImages(d: Dialect) {
  return d.table(
    "aomei_images",
    {
      agentId: d.text("agent_id").notNull(),
      path: d.text("path").notNull(),
      folder: d.text("folder").notNull(),
      imageKind: d.text("image_kind").$type<AomeiImage["image_kind"]>().notNull(),
      /** null: its name fits no task, or several. */
      jobId: d.int("job_id"),
      state: d.text("state").$type<AomeiImage["state"]>().notNull(),
      reason: d.text("reason"),
      sizeBytes: d.int("size_bytes").notNull(),
      modifiedAt: d.time("modified_at").notNull(),
      checksum: d.text("checksum").$type<AomeiImage["checksum"]>().notNull(),
      firstSeenAt: d.time("first_seen_at").notNull(),
      checkedAt: d.time("checked_at").notNull(),
    },
    (t) => [
      d.primaryKey({ name: "aomei_images_pk", columns: [t.agentId, t.path] }),
      d.index("aomei_images_of_job").on(t.jobId, t.modifiedAt).where(isNotNull(t.jobId)),
    ],
  );
}
