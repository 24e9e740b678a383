/** The rows that reports of runs work on: loaded together, changed in memory, written together. */
import type { CopyType } from "../../domain/aomei/copy.ts";
import type { Run } from "../../domain/aomei/run.ts";
import type { Tables } from "../../store/schema.ts";
import { type RowSet, rowSet } from "../lists/row-set.ts";

export type JobRow = Tables["aomeiJobs"]["$inferSelect"];
export type JobNameRow = Tables["aomeiJobNames"]["$inferSelect"];
export type ReportRow = Tables["aomeiReports"]["$inferSelect"];
export type CopyRow = Tables["aomeiCopies"]["$inferSelect"];
export type SourceRow = Tables["aomeiSources"]["$inferSelect"];
export type ImageRow = Tables["aomeiImages"]["$inferSelect"];

export type CopyKey = { jobId: number; copyType: CopyType; media: string };

export type AomeiWork = {
  jobs: RowSet<JobRow>;
  names: RowSet<JobNameRow>;
  /** Of the runs that are there already only those that a new report may be about. */
  runs: RowSet<Run>;
  candidates: Map<number, Run[]>;
  reports: RowSet<ReportRow>;
  copies: RowSet<CopyRow>;
  sources: RowSet<SourceRow>;
  images: RowSet<ImageRow>;
  /** Host names by agent, for the tasks that are seen first. */
  hosts: ReadonlyMap<string, string>;
  /** The newest job's id. */
  lastJobId: { value: number };
  /** What has to be worked out again from the runs, by `copyKey`. */
  touched: Map<string, CopyKey>;
};

export type Loaded = {
  jobs: readonly JobRow[];
  candidates: readonly Run[];
  reports: readonly ReportRow[];
  copies: readonly CopyRow[];
  images: readonly ImageRow[];
  hosts: ReadonlyMap<string, string>;
  lastJobId: number;
};

export function aomeiWork(loaded: Loaded): AomeiWork {
  return {
    jobs: rowSet(({ jobId }) => String(jobId), loaded.jobs),
    names: rowSet((row: JobNameRow) => JSON.stringify([row.source, row.name, row.jobId]), []),
    runs: rowSet(({ runId }) => runId, loaded.candidates),
    candidates: Map.groupBy(loaded.candidates, ({ jobId }) => jobId),
    reports: rowSet(({ reportId }) => reportId, loaded.reports),
    copies: rowSet(copyKey, loaded.copies),
    sources: rowSet(({ agentId, source }: SourceRow) => JSON.stringify([agentId, source]), []),
    images: rowSet(imageKey, loaded.images),
    hosts: loaded.hosts,
    lastJobId: { value: loaded.lastJobId },
    touched: new Map(),
  };
}

function copyKey({ jobId, copyType, media }: CopyKey): string {
  return JSON.stringify([jobId, copyType, media]);
}

export function imageKey({ agentId, path }: Pick<ImageRow, "agentId" | "path">): string {
  return JSON.stringify([agentId, path]);
}

export function touch(work: AomeiWork, { jobId, copyType, media }: CopyKey): void {
  work.touched.set(copyKey({ jobId, copyType, media }), { jobId, copyType, media });
}
