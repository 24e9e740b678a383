import type { AomeiEntry, AomeiImage, AomeiTaskSeen } from "@holdfast/protocol";
import { and, between, desc, eq, inArray, isNull } from "drizzle-orm";
import { SAME_RUN_MS } from "../../domain/aomei/match.ts";
import { occurredAt, type Run, type RunReport } from "../../domain/aomei/run.ts";
import { putRows, rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { entryReport, entryReportId } from "./entry-report.ts";
import { settleCopies, settledJob } from "./settle.ts";
import { taskOf } from "./task-job.ts";
import { type AomeiWork, aomeiWork, type CopyRow, type JobRow } from "./work.ts";

/** What an agent tells, with the agent. */
export type Told = {
  agentId: string;
  entries: readonly AomeiEntry[];
  images: readonly AomeiImage[];
  tasks: readonly AomeiTaskSeen[];
};

/** Reads all rows that these may touch; nothing when there are none. */
export async function loadAomeiWork(db: Db, told: readonly Told[], now: Date): Promise<AomeiWork> {
  const { aomeiJobs, aomeiRuns, aomeiReports, aomeiImages, agents } = db.tables;
  const some = told.filter(({ entries, images, tasks }) => entries.length + images.length + tasks.length > 0);
  const agentIds = some.map(({ agentId }) => agentId);
  const jobs = await rowsByKey(db, aomeiJobs, aomeiJobs.agentId, agentIds);
  const reportIds = some.flatMap(({ agentId, entries }) => entries.map((entry) => entryReportId(agentId, entry)));
  const paths = some.flatMap(({ images }) => images.map(({ path }) => path));
  const hosts = await rowsByKey(db, agents, agents.agentId, agentIds);
  const reports = some.flatMap(({ agentId, entries }) =>
    entries.map((entry) => ({ job: taskOf(jobs, agentId, entry), report: entryReport(entry, now) })),
  );
  const jobIds = jobs.map(({ jobId }) => jobId);
  const toldBefore = await rowsByKey(db, aomeiReports, aomeiReports.reportId, reportIds);
  const toldRuns = toldBefore.map(({ runId }) => runId);
  return aomeiWork({
    jobs,
    // Those that the log has told of match no other entry: they are there to be completed.
    candidates: [
      ...(await loadCandidates(db, reports, true)),
      ...(await rowsByKey(db, aomeiRuns, aomeiRuns.runId, toldRuns)),
    ],
    reports: toldBefore,
    copies: await loadCopies(db, jobIds),
    images: (await rowsByKey(db, aomeiImages, aomeiImages.path, paths)).filter((row) => agentIds.includes(row.agentId)),
    hosts: new Map(hosts.map(({ agentId, hostname }) => [agentId, hostname])),
    lastJobId: some.length === 0 ? 0 : await lastJobId(db),
  });
}

/** What one script's report of one job may touch. */
export async function loadScriptWork(db: Db, job: JobRow, report: RunReport): Promise<AomeiWork> {
  return aomeiWork({
    jobs: [job],
    candidates: await loadCandidates(db, [{ job, report }], false),
    reports: [],
    copies: await loadCopies(db, [job.jobId]),
    images: [],
    hosts: new Map(),
    lastJobId: 0,
  });
}

/** Writes what was changed, and what follows from it. */
export async function saveAomeiWork(db: Db, work: AomeiWork): Promise<void> {
  const { aomeiJobs, aomeiJobNames, aomeiRuns, aomeiReports, aomeiSources, aomeiImages } = db.tables;
  const { source, name, jobId } = aomeiJobNames;
  await putRows(db, aomeiJobNames, [source, name, jobId], work.names.changed());
  await putRows(db, aomeiRuns, [aomeiRuns.runId], work.runs.changed());
  await putRows(db, aomeiReports, [aomeiReports.reportId], work.reports.changed());
  await putRows(db, aomeiSources, [aomeiSources.agentId, aomeiSources.source], work.sources.changed());
  await putRows(db, aomeiImages, [aomeiImages.agentId, aomeiImages.path], work.images.changed());
  await settleCopies(db, work.touched.values());
  for (const id of new Set([...work.touched.values()].map((key) => key.jobId))) {
    const job = work.jobs.get(String(id));
    if (job !== undefined) work.jobs.put(await settledJob(db, job));
  }
  await putRows(db, aomeiJobs, [aomeiJobs.jobId], work.jobs.changed());
}

/** 0: there is none. Jobs are never deleted, and there is one writer, so the next number is free. */
export async function lastJobId(db: Db): Promise<number> {
  const { aomeiJobs } = db.tables;
  const [row] = await db.select({ id: aomeiJobs.jobId }).from(aomeiJobs).orderBy(desc(aomeiJobs.jobId)).limit(1);
  return row?.id ?? 0;
}

type Wanted = { job: JobRow | undefined; report: RunReport };

async function loadCandidates(db: Db, wanted: readonly Wanted[], untoldByAgent: boolean): Promise<Run[]> {
  const { aomeiRuns } = db.tables;
  const byJob = Map.groupBy(wanted, ({ job }) => job?.jobId);
  const found: Run[] = [];
  for (const [jobId, some] of byJob) {
    if (jobId === undefined) continue;
    const times = some.map(({ report }) => occurredAt(report).getTime());
    const from = new Date(Math.min(...times) - SAME_RUN_MS);
    const until = new Date(Math.max(...times) + SAME_RUN_MS);
    const where = and(
      eq(aomeiRuns.jobId, jobId),
      between(aomeiRuns.occurredAt, from, until),
      untoldByAgent ? isNull(aomeiRuns.agentStatus) : undefined,
    );
    found.push(...(await db.select().from(aomeiRuns).where(where)));
  }
  return found;
}

async function loadCopies(db: Db, jobIds: readonly number[]): Promise<CopyRow[]> {
  const { aomeiCopies } = db.tables;
  if (jobIds.length === 0) return [];
  return await db
    .select()
    .from(aomeiCopies)
    .where(inArray(aomeiCopies.jobId, [...jobIds]));
}
