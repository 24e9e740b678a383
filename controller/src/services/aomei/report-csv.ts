import { csvText } from "../reports/csv.ts";
import type { AomeiReport } from "./report.ts";

const HEADER = [
  ...["host", "agent_id", "job_id", "task", "task_guid", "job_type", "target_path"],
  ...["expectation", "interval_seconds", "due_at", "last_run", "last_result", "last_good_backup", "size_bytes"],
  ...["runs_success", "runs_warning", "runs_failed", "bad_images", "drill"],
];

/** One row a task. */
export function aomeiCsv({ hosts }: AomeiReport): string {
  const rows = hosts.flatMap(({ agent, tasks }) =>
    tasks.map(({ job, expectation, good, runs, badImages }) => [
      ...[agent?.name ?? null, agent?.agentId ?? null, job.jobId, job.taskName, job.taskGuid, job.jobType],
      ...[job.targetPath, expectation.state, expectation.intervalSeconds, expectation.dueAt, job.lastRunAt],
      ...[job.lastStatus, good?.lastGoodAt ?? null, good?.sizeBytes ?? null],
      ...[runs.success, runs.warning, runs.failed, badImages, "unproven"],
    ]),
  );
  return csvText(HEADER, rows);
}
