import { and, desc, eq, inArray, isNull } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import type { Run } from "../../domain/aomei/run.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { visibleAgent } from "../lists/visible.ts";
import { findJob } from "./find-job.ts";
import type { CopyRow, JobNameRow, JobRow } from "./work.ts";

export type JobQuery = PageRequest & { agentId?: string | undefined; activeOnly: boolean; withRuns: boolean };
/** `runs`: the newest ones; empty unless they were asked for. */
export type ListedJob = { job: JobRow; runs: Run[] };
export type JobDetail = { job: JobRow; copies: CopyRow[]; latest: Run | null; names: JobNameRow[] };

/** So many of each job. */
const LATEST_RUNS = 10;

/** Jobs, the one that was registered last first. */
export async function listJobs({ store }: ServiceContext, actor: Actor, query: JobQuery): Promise<Page<ListedJob>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { aomeiJobs: table } = db.tables;
    const keyset = { table, at: table.createdAt, ids: [table.jobId] };
    const where = and(
      isNull(table.mergedInto),
      agentId === undefined ? undefined : eq(table.agentId, agentId),
      query.activeOnly ? eq(table.isActive, true) : undefined,
    );
    const keyOf = (row: JobRow) => ({ at: row.createdAt, ids: [String(row.jobId)] });
    const page = await readRows(db, keyset, query, where, keyOf);
    const rows: ListedJob[] = [];
    for (const job of page.rows)
      rows.push({ job, runs: query.withRuns ? await newestRuns(db, job.jobId, LATEST_RUNS) : [] });
    return { ...page, rows };
  });
}

/** JOB_NOT_FOUND. `latest`: of the primary copy where there is one: a copy that went well is no backup that did. */
export async function getJob({ store }: ServiceContext, actor: Actor, jobId: number): Promise<JobDetail> {
  return await store.read(async (db) => {
    const { aomeiCopies, aomeiJobNames } = db.tables;
    const job = await findJob(db, actor, jobId);
    const copies = await db
      .select()
      .from(aomeiCopies)
      .where(eq(aomeiCopies.jobId, job.jobId))
      .orderBy(aomeiCopies.copyType, aomeiCopies.media);
    const names = await db
      .select()
      .from(aomeiJobNames)
      .where(eq(aomeiJobNames.jobId, job.jobId))
      .orderBy(aomeiJobNames.since, aomeiJobNames.name);
    const [primary] = await newestRuns(db, job.jobId, 1, ["primary"]);
    const latest = primary ?? (await newestRuns(db, job.jobId, 1))[0] ?? null;
    return { job, copies, latest, names };
  });
}

async function newestRuns(
  db: Db,
  jobId: number,
  limit: number,
  copyTypes: readonly Run["copyType"][] = [],
): Promise<Run[]> {
  const { aomeiRuns } = db.tables;
  const ofType = copyTypes.length === 0 ? undefined : inArray(aomeiRuns.copyType, [...copyTypes]);
  return await db
    .select()
    .from(aomeiRuns)
    .where(and(eq(aomeiRuns.jobId, jobId), ofType))
    .orderBy(desc(aomeiRuns.occurredAt), desc(aomeiRuns.runId))
    .limit(limit);
}
