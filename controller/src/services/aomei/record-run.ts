import { createHash, randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { UNKNOWN_MEDIA } from "../../domain/aomei/copy.ts";
import { matchingRun } from "../../domain/aomei/match.ts";
import { completed, joined, newRun, type Run, type RunReport } from "../../domain/aomei/run.ts";
import { type AomeiWork, type JobRow, touch } from "./work.ts";

/** `reportId`: the same whenever the same report comes; `digest`: sha256 of what it says, hex. */
export type ToldRun = { job: JobRow; report: RunReport; reportId: string; digest: string };
/** `isNew`: nobody had told of this run before. */
export type RecordedRun = { runId: string; isNew: boolean };

/**
 * Takes what a script or an agent tells of a run, in whatever order they tell it. null: this very report was taken before,
 * and nothing changes. The one way by which a run gets into the store.
 */
export function recordRun(work: AomeiWork, { job, report, reportId, digest }: ToldRun): RecordedRun | null {
  if (work.reports.get(reportId) !== undefined) return null;
  const told = newRun(`aomei-${randomUUID()}`, job.jobId, { ...report, media: mediaOfRun(work, job, report) });
  const known = isLinked(job, report) ? takeCandidate(work, told, report) : undefined;
  const run = known === undefined ? told : joined(known, told);
  if (known !== undefined) touch(work, known);
  touch(work, run);
  work.runs.put(run);
  if (report.teller === "script") addCandidate(work, run);
  const { teller, copyType, status, startedAt, endedAt, receivedAt } = report;
  const row = { reportId, runId: run.runId, jobId: job.jobId, digest };
  work.reports.put({ ...row, teller, copyType, status, startedAt, endedAt, receivedAt });
  return { runId: run.runId, isNew: known === undefined };
}

/** Takes what an entry that was told before, and is told again, says more of its run. */
export function completeRun(work: AomeiWork, runId: string, job: JobRow, report: RunReport): void {
  const known = work.runs.get(runId);
  if (known === undefined) return;
  const run = completed(known, { ...report, media: mediaOfRun(work, job, report) });
  if (isDeepStrictEqual(run, known)) return;
  touch(work, known);
  touch(work, run);
  work.runs.put(run);
}

/** The digest of what a report says, wherever its fields stand. */
export function reportDigest(jobId: number, report: RunReport): string {
  const { receivedAt: _, ...said } = report;
  return createHash("sha256")
    .update(JSON.stringify([jobId, Object.entries(said).sort(([a], [b]) => (a < b ? -1 : 1))]))
    .digest("hex");
}

/** Both tell of it: the script, and the log, which has given the job its name. */
function isLinked(job: JobRow, { teller }: RunReport): boolean {
  return teller === "agent" || job.namedAt !== null;
}

function takeCandidate({ candidates }: AomeiWork, told: Run, { teller }: RunReport): Run | undefined {
  const some = candidates.get(told.jobId) ?? [];
  const found = matchingRun(some, told, teller);
  if (found !== undefined) some.splice(some.indexOf(found), 1);
  return found;
}

function addCandidate({ candidates }: AomeiWork, run: Run): void {
  candidates.set(run.jobId, [...(candidates.get(run.jobId) ?? []), run]);
}

/** Where nobody says it, the medium is that on which the job's copies of this kind lie. */
function mediaOfRun(work: AomeiWork, job: JobRow, { media, copyType }: RunReport): string {
  if (media !== UNKNOWN_MEDIA) return media;
  const copies = [...work.copies.all()].filter(
    (copy) => copy.jobId === job.jobId && copy.copyType === copyType && copy.media !== UNKNOWN_MEDIA,
  );
  copies.sort((a, b) => b.lastRunAt.getTime() - a.lastRunAt.getTime());
  return copies[0]?.media ?? UNKNOWN_MEDIA;
}
