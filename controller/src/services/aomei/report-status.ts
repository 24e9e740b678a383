import type { Caller } from "../../domain/access.ts";
import { type CopyType, mediaOf } from "../../domain/aomei/copy.ts";
import { readTime } from "../../domain/aomei/read-time.ts";
import type { RunReport } from "../../domain/aomei/run.ts";
import type { ToldStatus } from "../../domain/aomei/status.ts";
import { ControllerError, type ErrorCode } from "../../errors.ts";
import { recordAudit } from "../audit/record.ts";
import type { ServiceContext } from "../context.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import type { Counters } from "../metrics/counters.ts";
import { findJob } from "./find-job.ts";
import { keyFacts } from "./key-facts.ts";
import { loadScriptWork, saveAomeiWork } from "./load-work.ts";
import { recordRun, reportDigest } from "./record-run.ts";
import { newReportId, sameReport } from "./same-report.ts";
import type { JobRow } from "./work.ts";

export type AomeiContext = ServiceContext & { counters: Pick<Counters, "add"> };

/** As a script tells it. Times are ISO 8601, read in the key's zone where they name none. */
export type StatusInput = {
  jobId: number;
  status: ToldStatus;
  sizeBytes: number;
  durationSeconds: number;
  errorMessage: string | null;
  taskName: string | null;
  startTime: string | null;
  endTime: string | null;
  details: unknown;
  copyType: CopyType;
  media: string | null;
  storagePath: string | null;
};
/** `repeated`: this report had been taken before; `isNew`: nobody had told of the run before. */
export type Reported = { jobId: number; runId: string; repeated: boolean; isNew: boolean };
/** `refusal`: the code when what is told cannot be; `field`: where the fields stand in the request. */
export type ReportOptions = { idempotencyKey: string | undefined; refusal: ErrorCode; prefix?: string };

const MOST_MESSAGE = 8000;

/**
 * Takes what a script tells of a run: job, run and copy in one transaction, or nothing. JOB_NOT_FOUND; VALIDATION_ERROR
 * for an end before its start; `refusal` for an Idempotency-Key that came with another report before.
 */
export async function reportStatus(
  { store, now, counters }: AomeiContext,
  caller: Caller,
  input: StatusInput,
  { idempotencyKey, refusal, prefix = "" }: ReportOptions,
): Promise<Reported> {
  const at = now();
  const reported = await store.write(async (db) => {
    const job = await findJob(db, caller.actor, input.jobId);
    const { line, zone } = await keyFacts(db, caller.actor);
    const report = reportOf(input, job, { zone, now: at, prefix });
    const digest = reportDigest(job.jobId, report);
    const reportId = newReportId(line, idempotencyKey);
    const same = await sameReport(db, { job, report, digest, reportId, hasKey: idempotencyKey !== undefined }, at);
    if (same !== undefined && same.reportId === reportId && same.digest !== digest) throw otherReport(refusal);
    if (same !== undefined) return { jobId: job.jobId, runId: same.runId, repeated: true, isNew: false };
    const work = await loadScriptWork(db, job, report);
    const recorded = recordRun(work, { job, report, reportId, digest });
    if (recorded === null) throw new Error("a new report was known already");
    await saveAomeiWork(db, work);
    const details = { run_id: recorded.runId, status: input.status, copy_type: input.copyType, new: recorded.isNew };
    const subject = String(job.jobId);
    await recordAudit(db, caller, { action: "aomei.report", subject, outcome: "done", details }, at);
    return { jobId: job.jobId, ...recorded, repeated: false };
  });
  counters.add(reported.repeated ? "holdfast_aomei_repeated_reports_total" : "holdfast_aomei_reports_total");
  return reported;
}

type Reading = { zone: string | null; now: Date; prefix: string };

function reportOf(input: StatusInput, job: JobRow, { zone, now, prefix }: Reading): RunReport {
  const startedAt = input.startTime === null ? null : readTime(input.startTime, zone);
  const endedAt = input.endTime === null ? null : readTime(input.endTime, zone);
  if (startedAt !== null && endedAt !== null && endedAt < startedAt)
    throw invalidFields([{ path: `${prefix}end_time`, message: "lies before start_time" }]);
  const { copyType, storagePath, status, sizeBytes, durationSeconds, taskName, errorMessage, details } = input;
  const path = storagePath ?? (copyType === "primary" ? job.targetPath : null);
  return {
    teller: "script",
    copyType,
    media: input.media ?? mediaOf(path),
    storagePath: path,
    ...{ status, startedAt, endedAt, receivedAt: now, sizeBytes, durationSeconds, taskName, details },
    errorMessage: errorMessage === null ? null : errorMessage.slice(0, MOST_MESSAGE).toWellFormed(),
    ...{ operation: null, resultCode: null },
  };
}

function otherReport(code: ErrorCode): ControllerError {
  return new ControllerError(code, {
    message: "this Idempotency-Key came with another report before: each report needs its own",
  });
}
