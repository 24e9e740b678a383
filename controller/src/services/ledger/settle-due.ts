import { and, asc, eq, isNull, lte } from "drizzle-orm";
import { settleSilent } from "../../domain/ledger/settle.ts";
import { findAgent } from "../../store/agents.ts";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import type { ControlContext } from "../control/context.ts";
import { awayFacts } from "./away.ts";
import type { Busy } from "./busy.ts";
import { maintenanceOf } from "./closed.ts";
import type { InStep } from "./in-step.ts";
import { observeMissed } from "./observe-missed.ts";
import { type ExpectedRow, jobName, jobsOf, putExpected } from "./rows.ts";

export type SettleContext = Pick<ControlContext, "store" | "now" | "links" | "startedAt">;
export type Watched = { inStep: InStep; busy: Busy };
type Look = Watched & { context: SettleContext; now: Date };

/** A host that was away needs no longer to begin with what it makes up for. */
const LONGEST_CATCH_UP_SECONDS = 600;
/** Each is looked at together with its item. */
const ROWS_AT_ONCE = 50;

/**
 * Settles what was due and of which nothing was told in time. What the agents told must have been taken in before. The
 * agents are worked through one by one: they wait for different things.
 */
export async function settleDue(context: SettleContext, watched: Watched, signal?: AbortSignal): Promise<void> {
  const look = { context, ...watched, now: context.now() };
  for (const state of ["expected", "unknown"] as const)
    for (const agentId of await context.store.read((db) => agentsWith(db, state, look)))
      while (signal?.aborted !== true && (await settleSome(agentId, state, look)));
}

/** false: nothing more of this agent is to be settled now. */
async function settleSome(agentId: string, state: ExpectedRow["state"], look: Look): Promise<boolean> {
  const { store } = look.context;
  const judged = await store.read((db) => settledOf(db, agentId, state, look));
  if (judged.length === 0) return false;
  await store.write(async (db) => {
    // Another may have been here meanwhile.
    const settled = await settledOf(db, agentId, state, look);
    await putExpected(db, settled);
    const missed = settled.filter((row) => row.state === "missed" && row.subjectKind === "item");
    if (missed.length > 0) await observeMissed(db, missed, look.now);
  });
  return judged.length === ROWS_AT_ONCE;
}

/** Agents with overdue runs in this state; where nothing is known, those of which more is known by now. */
async function agentsWith(db: Db, state: ExpectedRow["state"], { context, inStep, now }: Look): Promise<string[]> {
  const { expectedRuns: e, agents: a } = db.tables;
  const found = await db
    .selectDistinct({ agentId: e.agentId })
    .from(e)
    .where(and(isNull(e.settledAt), lte(e.graceUntil, now), eq(e.state, state)));
  const ids = found.map(({ agentId }) => agentId);
  if (state !== "unknown") return ids;
  const agents = await rowsByKey(db, a, a.agentId, ids);
  const isKnownNow = (agent: (typeof agents)[number]): boolean => {
    const { awaySince, missedAfterMs } = awayFacts(agent, context);
    if (awaySince === null) return inStep.since(agent.agentId) !== null;
    return agent.state === "revoked" || now.getTime() - awaySince.getTime() >= missedAfterMs;
  };
  return agents.filter(isKnownNow).map(({ agentId }) => agentId);
}

/** As they are to be, of the oldest ones those of which anything can be said. */
async function settledOf(db: Db, agentId: string, state: ExpectedRow["state"], look: Look): Promise<ExpectedRow[]> {
  const { expectedRuns: e } = db.tables;
  const { context, inStep, busy, now } = look;
  const overdue = and(isNull(e.settledAt), lte(e.graceUntil, now), eq(e.state, state), eq(e.agentId, agentId));
  const open = await db.select().from(e).where(overdue).orderBy(asc(e.dueAt)).limit(ROWS_AT_ONCE);
  const agent = await findAgent(db, agentId);
  if (open.length === 0 || agent === undefined) return [];
  const jobs = new Map((await jobsOf(db, [agentId])).map((job) => [jobName(job), job]));
  const maintenance = await maintenanceOf(db, [agentId], now);
  const known = {
    ...awayFacts(agent, context),
    inStepSince: inStep.since(agentId),
    isPlanConfirmed: agent.policyAppliedVersion >= agent.policyVersion,
  };
  return open.flatMap((row) => {
    const job = jobs.get(jobName(row));
    const makesUp = job?.plan?.schedule?.catch_up === "once";
    const catchUpMs = makesUp ? Math.min(job.graceSeconds, LONGEST_CATCH_UP_SECONDS) * 1000 : 0;
    const isInMaintenance = maintenance.excuses(row, now);
    const busyAt = busy.lastAt(agentId, row.subjectId);
    const after = settleSilent(row, { ...known, busyAt, catchUpMs, isInMaintenance }, now);
    return after === null ? [] : [{ ...row, ...after }];
  });
}
