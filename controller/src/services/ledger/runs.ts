/** Running runs: none stays so for ever. */
import { and, asc, eq, gt } from "drizzle-orm";
import type { Observation } from "../../domain/alert/observation.ts";
import { lostOf, stallOf } from "../../domain/ledger/stall.ts";
import type { AgentRow } from "../../store/agents.ts";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import type { ControlContext } from "../control/context.ts";
import { awayFacts } from "./away.ts";
import type { InStep } from "./in-step.ts";
import { loseRun } from "./lose-run.ts";
import { type JobRow, jobName, jobsOf } from "./rows.ts";
import type { RunWatch } from "./watch-runs.ts";

type Execution = Db["tables"]["executions"]["$inferSelect"];
type RunsContext = Pick<ControlContext, "store" | "now" | "links" | "presence" | "startedAt" | "feed">;
export type RunsLook = { context: RunsContext; inStep: InStep; watch: RunWatch };
type Seen = { run: Execution; movedAt: Date; isHung: boolean; stallSeconds: number; lost: string | null };

/** Of runs that no policy knows. */
const STALL_SECONDS = 1800;
/** As many as a heartbeat names: beyond that nothing follows from a run that it does not. */
const MOST_NAMED = 100;
const RUNS_AT_ONCE = 500;
/** So often it is written that a run moves. */
const MOVES_MS = 60_000;

/** Looks which runs have stalled and of which nothing more will come; call it every few seconds. */
export async function lookAtRuns(look: RunsLook, signal?: AbortSignal): Promise<void> {
  const { context, watch } = look;
  const now = context.now();
  const seen = await context.store.read((db) => seenRuns(db, look, now));
  watch.keep(new Set(seen.map(({ run }) => run.runId)));
  const going = seen.filter(({ lost }) => lost === null);
  if (await context.store.read((db) => isNews(db, going, now)))
    await context.store.write((db) => noteRuns(db, going, now));
  for (const { run, lost } of seen) {
    if (signal?.aborted === true) return;
    if (lost !== null) await loseRun(context, { agentId: run.agentId, runId: run.runId, reason: lost }, now);
  }
}

async function seenRuns(db: Db, look: RunsLook, now: Date): Promise<Seen[]> {
  const { agents: a } = db.tables;
  const seen: Seen[] = [];
  for (let after = ""; ; ) {
    const runs = await runningAfter(db, after);
    const agentIds = new Set(runs.map(({ agentId }) => agentId));
    const agents = new Map((await rowsByKey(db, a, a.agentId, agentIds)).map((row) => [row.agentId, row]));
    const jobs = new Map((await jobsOf(db, agentIds)).map((job) => [jobName(job), job]));
    for (const run of runs) {
      const agent = agents.get(run.agentId);
      if (agent !== undefined) seen.push(seenRun(run, agent, jobs, { ...look, now }));
    }
    const last = runs.at(-1)?.runId;
    if (last === undefined || runs.length < RUNS_AT_ONCE) return seen;
    after = last;
  }
}

async function runningAfter(db: Db, after: string): Promise<Execution[]> {
  const { executions: x } = db.tables;
  return await db
    .select()
    .from(x)
    .where(and(eq(x.state, "running"), gt(x.runId, after)))
    .orderBy(asc(x.runId))
    .limit(RUNS_AT_ONCE);
}

function seenRun(
  run: Execution,
  agent: AgentRow,
  jobs: ReadonlyMap<string, JobRow>,
  { context, inStep, watch, now }: RunsLook & { now: Date },
): Seen {
  const { runId, agentId, vmContextId, kind } = run;
  const presence = context.presence.of(agentId);
  const isHeard = presence !== undefined && inStep.since(agentId) !== null;
  const named = presence?.running ?? [];
  // The agent's service names what it was asked for and what was due, not what a person began at the command line.
  const isNamed = run.commandId !== null || run.dueAt !== null;
  const mayJudge = isHeard && isNamed && presence.waitingEvents === 0 && named.length < MOST_NAMED;
  const unnamedSince = watch.unnamedSince(runId, mayJudge && !named.includes(runId), now);
  const { awaySince, missedAfterMs: lostAfterMs } = awayFacts(agent, context);
  const task = kind === "verify" || kind === "drill" ? kind : "backup";
  const stallSeconds = jobs.get(jobName({ agentId, subjectId: vmContextId, task }))?.stallSeconds ?? STALL_SECONDS;
  const movedAt = watch.movedAt(run, isHeard && isNamed, now);
  const known = { unnamedSince, ownSince: isNamed ? null : run.receivedAt, awaySince, lostAfterMs };
  return {
    ...{ run, movedAt, stallSeconds, isHung: stallOf(movedAt, stallSeconds, now) === "hung" },
    lost: lostOf({ ...known, isRevoked: agent.state === "revoked" }, now),
  };
}

/** Items of which it is said that a run of theirs is hung. */
async function saidHung(db: Db): Promise<{ key: string; agentId: string | null }[]> {
  const { conditions: c } = db.tables;
  return await db
    .select({ key: c.subjectKey, agentId: c.agentId })
    .from(c)
    .where(and(eq(c.state, "firing"), eq(c.type, "hung_run")));
}

async function isNews(db: Db, seen: readonly Seen[], now: Date): Promise<boolean> {
  if (seen.some((one) => changeOf(one, now) !== null)) return true;
  const hung = new Set(seen.filter(({ isHung }) => isHung).map(({ run }) => keyOf(run)));
  return (await saidHung(db)).some(({ key }) => !hung.has(key));
}

function changeOf({ run, isHung, movedAt }: Seen, now: Date): Partial<Execution> | null {
  if (isHung !== (run.hungAt !== null)) return { hungAt: isHung ? now : null };
  const noted = run.progressedAt ?? run.receivedAt;
  return !isHung && movedAt.getTime() - noted.getTime() >= MOVES_MS ? { progressedAt: movedAt } : null;
}

async function noteRuns(db: Db, seen: readonly Seen[], now: Date): Promise<void> {
  const { executions: x } = db.tables;
  for (const one of seen) {
    const change = changeOf(one, now);
    const running = and(eq(x.runId, one.run.runId), eq(x.state, "running"));
    if (change !== null) await db.update(x).set(change).where(running).execute();
  }
  const hung = seen.filter(({ isHung }) => isHung);
  const keys = new Set(hung.map(({ run }) => keyOf(run)));
  const over = (await saidHung(db)).filter(({ key }) => !keys.has(key));
  const observations = [...hung.filter(({ run }) => run.hungAt === null).map(stalled), ...over.map(movesAgain)];
  await recordObservations(db, observations, now);
}

function stalled({ run, movedAt, stallSeconds }: Seen): Observation {
  const { agentId, vmContextId, runId, kind } = run;
  return {
    ...{ subject: { kind: "item", key: keyOf(run), agentId }, type: "hung_run", state: "firing" },
    message: `a ${kind} of ${vmContextId} has not moved since ${movedAt.toISOString()}`,
    evidence: { run_id: runId, kind, moved_at: movedAt.toISOString(), stall_seconds: stallSeconds },
  };
}

function movesAgain({ key, agentId }: { key: string; agentId: string | null }): Observation {
  return {
    ...{ subject: { kind: "item", key, agentId }, type: "hung_run", state: "ok" },
    message: "its run moves again, or has ended",
  };
}

function keyOf({ agentId, vmContextId }: Execution): string {
  return `item:${agentId}/${vmContextId}`;
}
