import type { AomeiEntry } from "@holdfast/protocol";
import { mediaOf } from "../../domain/aomei/copy.ts";
import type { RunReport } from "../../domain/aomei/run.ts";

/** An entry has the same id whenever, and under whichever event, it is told. */
export function entryReportId(agentId: string, { entry_key }: AomeiEntry): string {
  return `entry ${agentId} ${entry_key}`;
}

/** The end of a run as its task's log tells it. */
export function entryReport(entry: AomeiEntry, now: Date): RunReport {
  return {
    teller: "agent",
    copyType: "primary",
    media: mediaOf(entry.image),
    storagePath: entry.image,
    status: entry.status,
    startedAt: null,
    endedAt: entry.ended_at === null ? null : new Date(entry.ended_at),
    receivedAt: now,
    sizeBytes: entry.size_bytes,
    durationSeconds: entry.duration_seconds,
    taskName: entry.task_name,
    errorMessage: entry.status === "failed" ? (entry.detail ?? entry.result) : null,
    details: entry.detail,
    operation: entry.operation,
    resultCode: entry.result_code,
  };
}
