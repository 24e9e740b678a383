/** What AOMEI Backupper should have run by now, by what was learned of its tasks, and how its runs ended. */
import { asc, gt } from "drizzle-orm";
import type { AlertType, Observation } from "../../domain/alert/observation.ts";
import type { Expectation } from "../../domain/aomei/expectation.ts";
import type { AgentRow } from "../../store/agents.ts";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import { jobExpectation } from "../aomei/report.ts";
import type { ControlContext } from "../control/context.ts";
import { awayFacts } from "./away.ts";
import type { InStep } from "./in-step.ts";

type Job = Db["tables"]["aomeiJobs"]["$inferSelect"];
type AomeiContext = Pick<ControlContext, "store" | "now" | "links" | "startedAt">;
type Look = { context: AomeiContext; inStep: InStep; now: Date };
type Around = Look & { agent: AgentRow | undefined };

const JOBS_AT_ONCE = 500;
/** A host that comes back reads its logs first. */
const READS_MS = 120_000;

/** Looks at all tasks; call it once a minute or so. */
export async function observeAomei(context: AomeiContext, inStep: InStep, signal?: AbortSignal): Promise<void> {
  const look = { context, inStep, now: context.now() };
  const { now } = look;
  for (let after = -1; signal?.aborted !== true; ) {
    const { jobs, news } = await context.store.read((db) => lookAt(db, look, after));
    if (news.length > 0) await context.store.write((db) => recordObservations(db, news, now));
    const last = jobs.at(-1)?.jobId;
    if (last === undefined || jobs.length < JOBS_AT_ONCE) return;
    after = last;
  }
}

async function lookAt(db: Db, look: Look, after: number) {
  const { aomeiJobs: j, agents: a } = db.tables;
  const jobs = await db.select().from(j).where(gt(j.jobId, after)).orderBy(asc(j.jobId)).limit(JOBS_AT_ONCE);
  const agentIds = jobs.flatMap(({ agentId }) => agentId ?? []);
  const agents = new Map((await rowsByKey(db, a, a.agentId, agentIds)).map((row) => [row.agentId, row]));
  const seen = jobs.flatMap((job) => observations(job, { ...look, agent: agents.get(job.agentId ?? "") }));
  return { jobs, news: await newsOf(db, seen) };
}

/** What was said already is not said again every minute. */
async function newsOf(db: Db, seen: readonly Observation[]): Promise<Observation[]> {
  const { conditions: c } = db.tables;
  const keys = seen.map(({ subject }) => subject.key);
  const rows = await rowsByKey(db, c, c.subjectKey, keys);
  const firing = new Set(rows.filter(({ state }) => state === "firing").map((row) => `${row.type} ${row.subjectKey}`));
  return seen.filter(({ type, subject, state }) => firing.has(`${type} ${subject.key}`) !== (state === "firing"));
}

function observations(job: Job, around: Around): Observation[] {
  const isWatched = job.isActive && job.mergedInto === null;
  const late = isWatched ? lateness(job, around) : false;
  const failed = isWatched && job.lastStatus === "failed";
  return [...(late === null ? [] : [missed(job, late)]), failure(job, failed)];
}

/** null: its host is away, or has just come back, and cannot say. false: it is not late. */
function lateness(job: Job, { context, inStep, agent, now }: Around): Expectation | false | null {
  const expectation = jobExpectation(job, now);
  if (expectation.state !== "late") return false;
  if (agent === undefined || agent.state === "revoked") return expectation;
  const { awaySince, missedAfterMs } = awayFacts(agent, context);
  if (awaySince !== null) return now.getTime() - awaySince.getTime() >= missedAfterMs ? expectation : null;
  const since = inStep.since(agent.agentId);
  return since !== null && now.getTime() - since.getTime() >= READS_MS ? expectation : null;
}

function about(job: Job, type: AlertType) {
  const subject = { kind: "aomei", key: `aomei:${job.jobId}`, agentId: job.agentId } as const;
  return { subject, type, rootKey: job.agentId === null ? null : `agent:${job.agentId}` };
}

function missed(job: Job, late: Expectation | false): Observation {
  const { taskName, lastRunAt } = job;
  const last = lastRunAt === null ? "no run is known" : `the last one was at ${lastRunAt.toISOString()}`;
  if (late === false)
    return { ...about(job, "missed_run"), state: "ok", message: `'${taskName}' is not late any more` };
  return {
    ...{ ...about(job, "missed_run"), state: "firing" },
    message: `AOMEI's task '${taskName}' should have run by ${late.dueAt?.toISOString() ?? "now"}: ${last}`,
    evidence: {
      ...{ due_at: late.dueAt?.toISOString() ?? null, last_run_at: lastRunAt?.toISOString() ?? null },
      ...{ interval_seconds: late.intervalSeconds, expectation: late.kind },
    },
  };
}

function failure(job: Job, failed: boolean): Observation {
  const { taskName, lastRunAt } = job;
  const at = lastRunAt?.toISOString() ?? null;
  const { rootKey: _none, ...subject } = about(job, "backup_failure");
  if (!failed) return { ...subject, state: "ok", message: `the last run of '${taskName}' did not fail` };
  return {
    ...{ ...subject, state: "firing" },
    message: `AOMEI's task '${taskName}' failed at ${at ?? "a time that is not known"}`,
    evidence: { last_run_at: at },
  };
}
