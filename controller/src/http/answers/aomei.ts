import { z } from "@hono/zod-openapi";
import { scheduleType } from "../../domain/aomei/expectation.ts";
import type { Run } from "../../domain/aomei/run.ts";
import type { JobDetail, ListedJob } from "../../services/aomei/list-jobs.ts";
import { jobExpectation } from "../../services/aomei/report.ts";
import type { JobRow } from "../../services/aomei/work.ts";
import { count, iso, isoOrNull, time } from "./common.ts";

export const done = z.strictObject({ success: z.literal(true), message: z.string() });

const runBody = z
  .strictObject({
    run_id: z.string(),
    date: time.openapi({ description: "Its end, or the nearest thing known; never later than it was told." }),
    result: z.enum(["success", "warning", "failed"]),
    start_time: time.nullable(),
    end_time: time.nullable(),
    size: count.nullable(),
    duration: z.number().nonnegative().nullable(),
    error: z.string().nullable(),
    details: z.unknown(),
    copy_type: z.enum(["primary", "secondary", "offsite", "offline"]),
    media: z.string(),
    path: z.string().nullable(),
    task_name: z.string().nullable(),
    operation: z.string().nullable(),
    result_code: z.number().int().nullable(),
    told_by: z.strictObject({ script: z.string().nullable(), log: z.string().nullable() }).openapi({
      description: "The status that each of them told; null: it did not.",
    }),
  })
  .openapi("AomeiRun");

function toRun(run: Run): z.input<typeof runBody> {
  return {
    run_id: run.runId,
    date: iso(run.occurredAt),
    result: run.status,
    start_time: isoOrNull(run.startedAt),
    end_time: isoOrNull(run.endedAt),
    size: run.sizeBytes,
    duration: run.durationSeconds,
    error: run.errorMessage,
    details: run.details ?? null,
    copy_type: run.copyType,
    media: run.media,
    path: run.storagePath,
    task_name: run.taskName,
    operation: run.operation,
    result_code: run.resultCode,
    told_by: { script: run.scriptStatus, log: run.agentStatus },
  };
}

const expectationBody = z
  .strictObject({
    state: z.enum(["none_yet", "none", "on_time", "late"]),
    says: z.string(),
    origin: z.enum(["learned", "set", "none"]),
    interval_seconds: z.number().int().positive().nullable(),
    due_at: time.nullable().openapi({ description: "After this a run that has not come is late." }),
  })
  .openapi("AomeiExpectation");

const SAYS = {
  none_yet: "no expectation yet",
  none: "nothing is expected",
  on_time: "on time",
  late: "a run that was expected has not come",
} as const;

function toExpectation(job: JobRow, now: Date): z.input<typeof expectationBody> {
  const { state, kind, intervalSeconds, dueAt } = jobExpectation(job, now);
  return { state, says: SAYS[state], origin: kind, interval_seconds: intervalSeconds, due_at: isoOrNull(dueAt) };
}

export const listedJob = z
  .strictObject({
    id: count,
    job_name: z.string(),
    job_type: z.enum(["system_image", "file", "database", "vm"]),
    target_server: z.string(),
    target_path: z.string().nullable(),
    is_active: z.boolean(),
    schedule_type: z.string().openapi({ description: "hourly, daily, weekly, monthly, interval, manual or unknown." }),
    retention_days: count,
    created_at: time,
    updated_at: time,
    description: z.string(),
    agent_id: z.string().nullable(),
    task_guid: z.string().nullable(),
    expectation: expectationBody,
    executions: z.array(runBody).optional(),
  })
  .openapi("AomeiJob");

export function toListedJob({ job, runs }: ListedJob, now: Date, withRuns: boolean): z.input<typeof listedJob> {
  return {
    id: job.jobId,
    job_name: job.taskName,
    job_type: job.jobType,
    target_server: job.targetServer,
    target_path: job.targetPath,
    is_active: job.isActive,
    schedule_type: scheduleType(jobExpectation(job, now)),
    retention_days: job.retentionDays,
    created_at: iso(job.createdAt),
    updated_at: iso(job.updatedAt),
    description: job.description,
    agent_id: job.agentId,
    task_guid: job.taskGuid,
    expectation: toExpectation(job, now),
    ...(withRuns ? { executions: runs.map(toRun) } : {}),
  };
}

export const jobDetail = z
  .strictObject({
    job_id: count,
    job_name: z.string(),
    job_type: z.enum(["system_image", "file", "database", "vm"]),
    is_active: z.boolean(),
    latest_execution: z
      .strictObject({
        date: time,
        result: z.enum(["success", "warning", "failed"]),
        size: count.nullable(),
        duration: z.number().nonnegative().nullable(),
        error: z.string().nullable(),
      })
      .nullable()
      .openapi({ description: "Of the primary copy where there is one." }),
    copies: z.array(
      z.strictObject({
        type: z.enum(["primary", "secondary", "offsite", "offline"]),
        media: z.string(),
        status: z.enum(["success", "warning", "failed"]),
        last_backup: time.nullable().openapi({ description: "The last good one: no other run moves it." }),
        size: count.nullable(),
        path: z.string().nullable(),
      }),
    ),
    updated_at: time,
    agent_id: z.string().nullable(),
    task_guid: z.string().nullable(),
    names: z.array(z.strictObject({ name: z.string(), named_by: z.string(), since: time })),
    expectation: expectationBody,
    drill: z.strictObject({ state: z.literal("unproven"), reason: z.string() }),
  })
  .openapi("AomeiJobDetail");

function toLatest({ occurredAt, status, sizeBytes, durationSeconds, errorMessage }: Run) {
  const [result, size, duration, error] = [status, sizeBytes, durationSeconds, errorMessage];
  return { date: iso(occurredAt), result, size, duration, error };
}

const NO_DRILL = "an image of AOMEI Backupper cannot be restored by Holdfast, so no drill can prove it";

export function toJobDetail({ job, copies, latest, names }: JobDetail, now: Date): z.input<typeof jobDetail> {
  return {
    job_id: job.jobId,
    job_name: job.taskName,
    job_type: job.jobType,
    is_active: job.isActive,
    latest_execution: latest === null ? null : toLatest(latest),
    copies: copies.map(({ copyType, media, status, lastGoodAt, sizeBytes, path }) => ({
      type: copyType,
      ...{ media, status, path },
      last_backup: isoOrNull(lastGoodAt),
      size: sizeBytes,
    })),
    updated_at: iso(job.updatedAt),
    agent_id: job.agentId,
    task_guid: job.taskGuid,
    names: names.map(({ name, source, since }) => ({ name, named_by: source, since: iso(since) })),
    expectation: toExpectation(job, now),
    drill: { state: "unproven", reason: NO_DRILL },
  };
}
