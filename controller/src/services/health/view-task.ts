/** What the copies that AOMEI Backupper makes are worth: nothing here can be verified or drilled, and it says so. */
import { and, asc, eq, gt, gte, inArray, isNull } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import type { Observation } from "../../domain/alert/observation.ts";
import { UNKNOWN_MEDIA } from "../../domain/aomei/copy.ts";
import type { CopyFact } from "../../domain/compliance/copy-fact.ts";
import { sourceOf } from "../../domain/compliance/item-copies.ts";
import { addDays, dayOf, daysFrom, startOf } from "../../domain/health/days.ts";
import { WINDOW_DAYS } from "../../domain/health/score.ts";
import type { Db, Store } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import { findJob } from "../aomei/find-job.ts";
import { jobExpectation } from "../aomei/report.ts";
import type { CopyRow, JobRow } from "../aomei/work.ts";
import { rulesOf } from "../compliance/rules.ts";
import type { ServiceContext } from "../context.ts";
import { NO_COUNTS } from "./count-day.ts";
import { type CountedDay, type DailyRow, daysOf, putDays, scoredDays } from "./daily.ts";
import { saveViews, statesOf } from "./refresh.ts";
import { UNTARGETED } from "./targets.ts";
import { type StateRow, scopeOf, VIEW_DAYS, type View, viewOf } from "./view.ts";

type Context = { store: Store; now: () => Date };

const AT_ONCE = 50;

/** One task at this moment. JOB_NOT_FOUND. */
export async function taskHealth({ store, now }: ServiceContext, actor: Actor, jobId: number): Promise<View> {
  return await store.read(async (db) => (await viewTask(db, await findJob(db, actor, jobId), now())).view);
}

/** Looks at all tasks; what other reports, and time, have made of them is not told otherwise. */
export async function refreshTasks({ store, now }: Context, signal?: AbortSignal): Promise<void> {
  const at = now();
  const seen: number[] = [];
  for (let after = -1; signal?.aborted !== true; ) {
    const jobs = await store.read((db) => liveJobs(db, after));
    const last = jobs.at(-1)?.jobId;
    if (last === undefined) break;
    const found = await store.read(async (db) => {
      const all = [];
      for (const job of jobs) all.push(await viewTask(db, job, at));
      return all;
    });
    await store.write(async (db) => {
      await putDays(
        db,
        found.flatMap(({ changed }) => changed),
      );
      for (const { view, changed } of found) {
        const { agentId, subjectId } = view.row;
        const before = await statesOf(db, agentId, [subjectId]);
        const standing = before.get(subjectId);
        if (changed.length > 0 || standing === undefined || factsOf(standing) !== factsOf(view.row))
          await saveViews(db, [view], before, at);
      }
    });
    seen.push(...jobs.map(({ jobId }) => jobId));
    after = last;
  }
  if (signal?.aborted !== true) await store.write((db) => forgetOthers(db, seen, at));
}

async function liveJobs(db: Db, after: number): Promise<JobRow[]> {
  const { aomeiJobs: j } = db.tables;
  return await db
    .select()
    .from(j)
    .where(and(gt(j.jobId, after), isNull(j.mergedInto), eq(j.isActive, true)))
    .orderBy(asc(j.jobId))
    .limit(AT_ONCE);
}

/** Tasks that became part of others, that are not active any more, or that moved to another host. */
async function forgetOthers(db: Db, jobIds: readonly number[], now: Date): Promise<void> {
  const { itemStates: s, aomeiJobs: j } = db.tables;
  const live = await db
    .select({ id: j.jobId, agentId: j.agentId })
    .from(j)
    .where(inArray(j.jobId, [...jobIds, -1]));
  const hosts = new Map(live.map(({ id, agentId }) => [`aomei:${id}`, agentId ?? ""]));
  const states = await db
    .select({ agentId: s.agentId, subjectId: s.subjectId })
    .from(s)
    .where(eq(s.subjectKind, "aomei"));
  const gone = states.filter((row) => hosts.get(row.subjectId) !== row.agentId);
  for (const { agentId, subjectId } of gone)
    await db
      .delete(s)
      .where(and(eq(s.agentId, agentId), eq(s.subjectId, subjectId)))
      .execute();
  const ended = gone.filter(({ subjectId }) => !hosts.has(subjectId)).flatMap(overOf);
  await recordObservations(db, ended, now);
}

function overOf({ agentId, subjectId: key }: Pick<StateRow, "agentId" | "subjectId">): Observation[] {
  const subject = { kind: "aomei", key, agentId: agentId === "" ? null : agentId } as const;
  const about = { subject, state: "ok", message: "the task is not active any more" } as const;
  return [
    { ...about, type: "health_degradation" },
    { ...about, type: "compliance_lost" },
  ];
}

/** `changed`: days that are not as they stand. */
async function viewTask(db: Db, job: JobRow, now: Date): Promise<{ view: View; changed: DailyRow[] }> {
  const { jobId, agentId, taskName: name, createdAt } = job;
  const subject = {
    agentId: agentId ?? "",
    subjectId: `aomei:${jobId}`,
    subjectKind: "aomei",
    name,
    createdAt,
  } as const;
  const today = dayOf(now);
  const first = addDays(today, 1 - VIEW_DAYS);
  const known = await daysOf(db, scopeOf(subject), addDays(first, 1 - WINDOW_DAYS), today);
  const days = scoredDays(scopeOf(subject), { known, counted: await countRuns(db, job, first, today), today, now });
  const copies = await copiesOf(db, job);
  const lastGoodAt = copies
    .map((copy) => copy.lastSuccessAt)
    .reduce((a, b) => (a === null || (b ?? a) > a ? b : a), null);
  const view = viewOf(
    {
      ...{ subject, targets: UNTARGETED, days, rules: rulesOf(UNTARGETED, limitOf(job, now)), restores: [] },
      copies: [sourceOf(lastGoodAt), ...copies],
      ...{ lastGoodAt, lastVerifiedAt: null, lastDrilledAt: null },
    },
    now,
  );
  const standing = new Map(known.map((row) => [row.metricDate, factsOf(row)]));
  return { view, changed: days.filter((row) => standing.get(row.metricDate) !== factsOf(row)) };
}

/** Without when it was worked out. */
function factsOf({ updatedAt: _when, ...facts }: DailyRow | StateRow): string {
  return JSON.stringify(Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A run with warnings was made, and is no good backup. The size is that of the newest good run. */
async function countRuns(db: Db, { jobId }: JobRow, from: string, until: string): Promise<CountedDay[]> {
  const { aomeiRuns: r } = db.tables;
  const runs = await db
    .select({ at: r.occurredAt, status: r.status, bytes: r.sizeBytes })
    .from(r)
    .where(and(eq(r.jobId, jobId), eq(r.copyType, "primary"), gte(r.occurredAt, startOf(from))))
    .orderBy(asc(r.occurredAt));
  const byDay = Map.groupBy(runs, ({ at }) => dayOf(at));
  let totalSizeBytes = 0;
  return daysFrom(from, until).map((metricDate) => {
    const own = byDay.get(metricDate) ?? [];
    const good = own.filter(({ status }) => status === "success");
    totalSizeBytes = good.findLast(({ bytes }) => bytes !== null)?.bytes ?? totalSizeBytes;
    const failedBackups = own.filter(({ status }) => status === "failed").length;
    return {
      ...NO_COUNTS,
      ...{ metricDate, totalBackups: own.length, successfulBackups: good.length, failedBackups, totalSizeBytes },
    };
  });
}

async function copiesOf(db: Db, job: JobRow): Promise<CopyFact[]> {
  const { aomeiCopies: c } = db.tables;
  const rows = await db.select().from(c).where(eq(c.jobId, job.jobId)).orderBy(c.copyType, c.media);
  return rows.map(copyOf);
}

function copyOf({ copyType, media, lastGoodAt }: CopyRow): CopyFact {
  return {
    ...{ copy: `${copyType} (${media})`, isSource: false, media: media === UNKNOWN_MEDIA ? null : media },
    ...{ offSite: copyType === "offsite", offline: copyType === "offline", immutable: false },
    ...{ lastSuccessAt: lastGoodAt, absent: false, problem: null },
    ...{ lastVerifiedAt: null, verificationPassed: null, verificationCached: false },
    ...{ lastDrilledAt: null, drillPassed: null },
  };
}

/** What is expected of its runs, in seconds; null: nothing. */
function limitOf(job: JobRow, now: Date): number | null {
  const { intervalSeconds } = jobExpectation(job, now);
  return intervalSeconds === null ? null : Math.ceil(intervalSeconds * 1.25) + 3600;
}
