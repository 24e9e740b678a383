/** What an agent tells of AOMEI Backupper on its host, applied to the rows. Doing it twice is doing it once. */
import type { AomeiEntry, AomeiImage, AomeiSourceState, AomeiTaskSeen } from "@holdfast/protocol";
import { entryReport, entryReportId } from "./entry-report.ts";
import { completeRun, recordRun, reportDigest } from "./record-run.ts";
import { jobOfTask, taskOf } from "./task-job.ts";
import { type AomeiWork, imageKey } from "./work.ts";

/** Each answers why it could not be applied, and then has changed nothing; null when it was. */
export type Telling = { agentId: string; now: Date; work: AomeiWork };

const NO_TASK = "names neither a task nor its id";

export function tellEntry(entry: AomeiEntry, { agentId, now, work }: Telling): string | null {
  const reportId = entryReportId(agentId, entry);
  const report = entryReport(entry, now);
  const told = work.reports.get(reportId);
  if (told !== undefined) {
    const known = work.jobs.get(String(told.jobId));
    if (known !== undefined) completeRun(work, told.runId, known, report);
    return null;
  }
  const job = jobOfTask(work, { agentId, task: entry, at: report.endedAt ?? now, now });
  if (job === null) return NO_TASK;
  recordRun(work, { job, report, reportId, digest: reportDigest(job.jobId, report) });
  return null;
}

export function tellTask(task: AomeiTaskSeen, { agentId, now, work }: Telling): string | null {
  const job = jobOfTask(work, { agentId, task, at: new Date(task.at), now });
  return job === null ? NO_TASK : null;
}

export function tellSource(told: AomeiSourceState, { agentId, work }: Telling): string | null {
  const { source, source_kind: sourceKind, state, reason, findings, at } = told;
  work.sources.put({ agentId, source, sourceKind, state, reason, findings, toldAt: new Date(at) });
  return null;
}

export function tellImage(told: AomeiImage, { agentId, now, work }: Telling): string | null {
  const { path, folder, image_kind: imageKind, state, reason, checksum } = told;
  const known = work.images.get(imageKey({ agentId, path }));
  const isNamed = told.task_guid !== null || told.task_name !== null;
  const job = isNamed ? taskOf(work.jobs.all(), agentId, told) : undefined;
  work.images.put({
    ...{ agentId, path, folder, imageKind, state, reason, checksum },
    jobId: job?.jobId ?? known?.jobId ?? null,
    sizeBytes: told.size_bytes,
    modifiedAt: new Date(told.modified_at),
    firstSeenAt: known?.firstSeenAt ?? now,
    checkedAt: new Date(told.checked_at),
  });
  return null;
}
