/** What a report on AOMEI's tasks tells: of one host or of all. */
import { and, count, desc, eq, gte, inArray, isNull } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import { type Expectation, expectationOf } from "../../domain/aomei/expectation.ts";
import type { RunStatus } from "../../domain/aomei/status.ts";
import type { AgentRow } from "../../store/agents.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import { findAgent } from "../lists/find-agent.ts";
import { visibleAgent } from "../lists/visible.ts";
import type { CopyRow, ImageRow, JobRow, SourceRow } from "./work.ts";

export type TaskReport = {
  job: JobRow;
  expectation: Expectation;
  /** The newest good primary copy. */
  good: CopyRow | null;
  copies: CopyRow[];
  runs: Record<RunStatus, number>;
  /** Images that are there and not whole. */
  badImages: number;
  /** What the newest run says of its failure. */
  lastError: string | null;
};
export type HostReport = { agent: AgentRow | null; sources: SourceRow[]; tasks: TaskReport[] };
export type AomeiReport = { from: Date; to: Date; agent: AgentRow | null; hosts: HostReport[] };

export type ReportQuery = { agentId: string | undefined; days: number };

const DAY_MS = 86_400_000;
const BAD_IMAGES: readonly ImageRow["state"][] = ["truncated", "damaged", "unrecognised", "missing"];

/** Over the last days, hosts by name; jobs of which nobody said where they run come last. NOT_FOUND, FORBIDDEN. */
export async function aomeiReport(
  { store, now }: ServiceContext,
  actor: Actor,
  { agentId: asked, days }: ReportQuery,
): Promise<AomeiReport> {
  const to = now();
  const from = new Date(to.getTime() - days * DAY_MS);
  const agentId = visibleAgent(actor, asked);
  return await store.read(async (db) => {
    const agent = agentId === undefined ? null : await findAgent(db, actor, agentId);
    const tasks = await readTasks(db, agentId, from, to);
    const { agents, aomeiSources } = db.tables;
    const own = agentId === undefined ? undefined : eq(aomeiSources.agentId, agentId);
    const sources = await db.select().from(aomeiSources).where(own).orderBy(aomeiSources.source);
    const ids = new Set([...tasks.flatMap(({ job }) => job.agentId ?? []), ...sources.map((source) => source.agentId)]);
    const known = agent === null ? await db.select().from(agents) : [agent];
    const hosts = known
      .filter((each) => ids.has(each.agentId) || each.agentId === agentId)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return { from, to, agent, hosts: [...hosts, null].flatMap((host) => hostReport(host, sources, tasks)) };
  });
}

function hostReport(agent: AgentRow | null, sources: readonly SourceRow[], tasks: readonly TaskReport[]): HostReport[] {
  const own = tasks.filter(({ job }) => job.agentId === (agent?.agentId ?? null));
  if (agent === null && own.length === 0) return [];
  return [{ agent, sources: sources.filter(({ agentId }) => agentId === agent?.agentId), tasks: own }];
}

async function readTasks(db: Db, agentId: string | undefined, from: Date, to: Date): Promise<TaskReport[]> {
  const { aomeiJobs, aomeiCopies, aomeiRuns, aomeiImages } = db.tables;
  const isOwn = agentId === undefined ? undefined : eq(aomeiJobs.agentId, agentId);
  const isTask = and(isNull(aomeiJobs.mergedInto), eq(aomeiJobs.isActive, true), isOwn);
  const jobs = await db.select().from(aomeiJobs).where(isTask).orderBy(aomeiJobs.taskName, aomeiJobs.jobId);
  const copies = Map.groupBy(await db.select().from(aomeiCopies), ({ jobId }) => jobId);
  const counted = await db
    .select({ jobId: aomeiRuns.jobId, status: aomeiRuns.status, runs: count() })
    .from(aomeiRuns)
    .where(gte(aomeiRuns.occurredAt, from))
    .groupBy(aomeiRuns.jobId, aomeiRuns.status);
  const images = await db
    .select({ jobId: aomeiImages.jobId })
    .from(aomeiImages)
    .where(inArray(aomeiImages.state, [...BAD_IMAGES]));
  const byJob = Map.groupBy(counted, ({ jobId }) => jobId);
  const badByJob = Map.groupBy(images, ({ jobId }) => jobId);
  const errors = await readErrors(db, jobs);
  return jobs.map((job) => {
    const own = copies.get(job.jobId) ?? [];
    const found = byJob.get(job.jobId) ?? [];
    const runs = (status: RunStatus) => found.find((each) => each.status === status)?.runs ?? 0;
    return {
      job,
      expectation: jobExpectation(job, to),
      good: newestGood(own),
      copies: own,
      runs: { success: runs("success"), warning: runs("warning"), failed: runs("failed") },
      badImages: badByJob.get(job.jobId)?.length ?? 0,
      lastError: errors.get(job.jobId) ?? null,
    };
  });
}

async function readErrors(db: Db, jobs: readonly JobRow[]): Promise<Map<number, string | null>> {
  const { aomeiRuns } = db.tables;
  const errors = new Map<number, string | null>();
  for (const { jobId, lastRunAt, lastStatus } of jobs) {
    if (lastRunAt === null || lastStatus === "success") continue;
    const [run] = await db
      .select({ errorMessage: aomeiRuns.errorMessage })
      .from(aomeiRuns)
      .where(and(eq(aomeiRuns.jobId, jobId), eq(aomeiRuns.occurredAt, lastRunAt), eq(aomeiRuns.copyType, "primary")))
      .orderBy(desc(aomeiRuns.runId))
      .limit(1);
    errors.set(jobId, run?.errorMessage ?? null);
  }
  return errors;
}

function newestGood(copies: readonly CopyRow[]): CopyRow | null {
  const good = copies.filter(({ copyType, lastGoodAt }) => copyType === "primary" && lastGoodAt !== null);
  return good.sort((a, b) => (b.lastGoodAt?.getTime() ?? 0) - (a.lastGoodAt?.getTime() ?? 0))[0] ?? null;
}

/** What is expected of a job's next run. */
export function jobExpectation(job: JobRow, now: Date): Expectation {
  const { expectation: kind, setSeconds, learnedSeconds, lastRunAt, createdAt: since } = job;
  return expectationOf({ kind, setSeconds, learnedSeconds, lastRunAt, since }, now);
}
