/** The jobs of a host, as it has confirmed that it runs them. */
import { isDeepStrictEqual } from "node:util";
import { type HostPlan, hostPlan, type TaskName, type TaskPlan } from "@holdfast/protocol";
import { and, eq, gt, inArray, isNull } from "drizzle-orm";
import type { ExpectedState } from "../../domain/ledger/expected.ts";
import { expectedThrough } from "../../domain/ledger/write.ts";
import type { PolicyBody } from "../../domain/policy/policy-body.ts";
import { type AgentRow, findAgent } from "../../store/agents.ts";
import { pieces, rowsByKey } from "../../store/bulk.ts";
import type { Db, Store } from "../../store/db.ts";
import { hostPolicy } from "../policies/host-policy.ts";
import { missing, observeMissed } from "./observe-missed.ts";
import { type JobKey, type JobRow, jobName, jobsOf, putJobs } from "./rows.ts";

/** By this controller's clock: when the host took its new plans on, and when it was heard that it did. */
export type Confirmed = { appliedAt: Date; receivedAt: Date };

/** Longer ago than a link breaks between a push and the word that it was applied. */
const LONGEST_UNHEARD_MS = 86_400_000;
/** The rest follows a few seconds later. */
const REVOKED_AT_ONCE = 100;
/** No run begins later than a day after it was due. */
const LONGEST_JITTER_MS = 86_400_000;
const OPEN: readonly ExpectedState[] = ["expected", "unknown"];
const RUNLESS: readonly ExpectedState[] = [...OPEN, "missed", "skipped"];
const TASKS: readonly TaskName[] = ["backup", "verify", "drill"];

/**
 * Call it when a host said which policy it applied. Unless that is the newest one nothing happens: what it will say next
 * counts. A task whose schedule stays goes on; of one that changes or ends, what was due after the change is withdrawn.
 */
export async function syncJobs(db: Db, agentId: string, confirmed: Confirmed, now: Date): Promise<void> {
  const agent = await findAgent(db, agentId);
  if (agent === undefined || agent.policyAppliedVersion !== agent.policyVersion) return;
  const known = new Map((await jobsOf(db, [agentId])).map((job) => [jobName(job), job]));
  const wanted = await wantedJobs(db, agent, now);
  const changed: JobRow[] = [];
  const over: JobRow[] = [];
  for (const job of wanted.values()) {
    const before = known.get(jobName(job));
    const goesOn = before?.endedAt === null && isDeepStrictEqual(before.plan?.schedule, job.plan?.schedule);
    const after = goesOn ? continued(before, job) : begun(job, confirmed);
    if (!isDeepStrictEqual(after, before)) changed.push(after);
    if (before !== undefined && !goesOn) over.push(before);
  }
  const gone = [...known.values()].filter((job) => job.endedAt === null && !wanted.has(jobName(job)));
  changed.push(...gone.map((job) => ({ ...job, nextDueAt: null, endedAt: now, endedReason: "no longer planned" })));
  await withdraw(db, [...over, ...gone], { after: confirmed.appliedAt, now, states: RUNLESS });
  await putJobs(db, changed);
  await observeMissed(db, await missing(db, [...over, ...gone]), now);
}

/** Ends the jobs of hosts that may not connect any more. */
export async function endJobsOfRevoked(store: Store, now: Date): Promise<void> {
  if ((await store.read(jobsOfRevoked)).length === 0) return;
  await store.write(async (db) => {
    const jobs = await jobsOfRevoked(db);
    await withdraw(db, jobs, { after: new Date(0), now, states: OPEN });
    await putJobs(
      db,
      jobs.map((job) => ({ ...job, nextDueAt: null, endedAt: now, endedReason: "its agent was revoked" })),
    );
    await observeMissed(db, await missing(db, jobs), now);
  });
}

async function jobsOfRevoked(db: Db): Promise<JobRow[]> {
  const { jobs: j, agents: a } = db.tables;
  const rows = await db
    .select({ job: j })
    .from(j)
    .innerJoin(a, eq(a.agentId, j.agentId))
    .where(and(isNull(j.endedAt), eq(a.state, "revoked")))
    .limit(REVOKED_AT_ONCE);
  return rows.map(({ job }) => job);
}

function continued(before: JobRow, { policyId, policyVersion, plan, graceSeconds, stallSeconds }: JobRow): JobRow {
  return { ...before, policyId, policyVersion, plan, graceSeconds, stallSeconds };
}

/** From the moment on at which the host goes by it, unless its clock makes nonsense of that. */
function begun(job: JobRow, { appliedAt, receivedAt }: Confirmed): JobRow {
  const from = receivedAt.getTime() - appliedAt.getTime() > LONGEST_UNHEARD_MS ? receivedAt : appliedAt;
  const fresh = { ...job, effectiveFrom: from, expectedThrough: from };
  return { ...fresh, nextDueAt: expectedThrough(fresh, { through: from, limit: 1 }).nextDueAt };
}

type Withdrawn = { after: Date; now: Date; states: readonly ExpectedState[] };

/** What of these jobs was to begin after this, and of which no run is known. */
async function withdraw(db: Db, jobs: readonly JobKey[], { after, now, states }: Withdrawn): Promise<void> {
  const { expectedRuns: e } = db.tables;
  // So that years of runs are not read through: what begins late was due in an index's reach.
  const isRecent = gt(e.dueAt, new Date(after.getTime() - LONGEST_JITTER_MS));
  const isWithdrawn = and(isRecent, gt(e.startsAt, after), inArray(e.state, [...states]));
  for (const own of Map.groupBy(jobs, ({ agentId, task }) => `${agentId} ${task}`).values())
    for (const some of pieces(own)) {
      const [first] = some;
      if (first === undefined) continue;
      const subjectIds = some.map(({ subjectId }) => subjectId);
      const ofJobs = and(eq(e.agentId, first.agentId), eq(e.task, first.task), inArray(e.subjectId, subjectIds));
      await db
        .update(e)
        .set({ state: "withdrawn", reason: "plan_changed", settledAt: now })
        .where(and(ofJobs, isWithdrawn))
        .execute();
    }
}

async function wantedJobs(db: Db, agent: AgentRow, now: Date): Promise<Map<string, JobRow>> {
  const given = (await hostPolicy(db, agent.agentId, now))?.plans ?? [];
  const plans = given.map((plan) => hostPlan.parse(plan));
  const { policies: p } = db.tables;
  const policyIds = new Set(plans.map(({ policy_id }) => policy_id));
  const bodies = new Map((await rowsByKey(db, p, p.policyId, policyIds)).map((row) => [row.policyId, row.body]));
  const refused = new Set(agent.policyRefused.map(({ subject }) => subject));
  const jobs = plans
    .filter(({ policy_id }) => !refused.has(`plan ${policy_id}`))
    .flatMap((plan) => {
      const body = bodies.get(plan.policy_id);
      const items = plan.items.filter((item) => !refused.has(`item ${item}`));
      return body === undefined ? [] : items.flatMap((item) => jobsOfItem(agent.agentId, item, plan, body));
    });
  return new Map(jobs.map((job) => [jobName(job), job]));
}

/** Without its times, which are those of its beginning. */
function jobsOfItem(agentId: string, subjectId: string, plan: HostPlan, body: PolicyBody): JobRow[] {
  return TASKS.flatMap((task) => {
    const planned: TaskPlan | null = plan.tasks[task];
    if (planned === null) return [];
    const times = { effectiveFrom: new Date(0), expectedThrough: new Date(0), nextDueAt: null };
    return {
      ...{ agentId, subjectId, task, subjectKind: "item" as const, ...times, plan: planned },
      ...{ policyId: plan.policy_id, policyVersion: plan.policy_version, endedAt: null, endedReason: null },
      ...{ graceSeconds: body[task].grace_seconds, stallSeconds: body.backup.stall_seconds },
    };
  });
}
