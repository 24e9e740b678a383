/** Running runs: none stays so for ever. */
import { and, asc, eq, gt, gte, inArray, or } from "drizzle-orm";
import type { Observation } from "../../domain/alert/observation.ts";
import { lostOf, stallOf } from "../../domain/ledger/stall.ts";
import type { AgentRow } from "../../store/agents.ts";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db, Store } from "../../store/db.ts";
import { hasValue } from "../../store/uncommon.ts";
import { recordObservations } from "../alerts/observe.ts";
import type { ControlContext } from "../control/context.ts";
import { awayFacts } from "./away.ts";
import type { InStep } from "./in-step.ts";
import { loseRun } from "./lose-run.ts";
import { jobName } from "./rows.ts";
import type { RunWatch } from "./watch-runs.ts";

type Execution = Db["tables"]["executions"]["$inferSelect"];
type RunsContext = Pick<ControlContext, "store" | "now" | "links" | "presence" | "startedAt" | "feed">;
export type RunsLook = { context: RunsContext; inStep: InStep; watch: RunWatch };
type Seen = { run: Execution; movedAt: Date; isHung: boolean; stallSeconds: number; lost: string | null };

/** Of runs that no policy knows. */
const STALL_SECONDS = 1800;
/** As many as a heartbeat names: beyond that nothing follows from a run that it does not. */
const MOST_NAMED = 100;
/** Read, or written, before anybody else has a turn. */
const RUNS_AT_ONCE = 50;
/** So often it is written that a run moves. */
const MOVES_MS = 60_000;

/** Looks which runs have stalled and of which nothing more will come; call it every few seconds. */
export async function lookAtRuns(look: RunsLook, signal?: AbortSignal): Promise<void> {
  const { context, watch } = look;
  const now = context.now();
  const seen = await seenRuns(look, now);
  watch.keep(new Set(seen.map(({ run }) => run.runId)));
  const going = seen.filter(({ lost }) => lost === null);
  const changed = going.filter((one) => changeOf(one, now) !== null);
  for (let from = 0; from < changed.length; from += RUNS_AT_ONCE)
    await context.store.write((db) => noteRuns(db, changed.slice(from, from + RUNS_AT_ONCE), now));
  await noteMoving(context.store, going, now);
  for (const { run, lost } of seen) {
    if (signal?.aborted === true) return;
    if (lost !== null) await loseRun(context, { agentId: run.agentId, runId: run.runId, reason: lost }, now);
  }
}

async function seenRuns(look: RunsLook, now: Date): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (let after: Execution | null = null; ; ) {
    const some: Execution[] = await look.context.store.read(async (db) => {
      const runs = await runningAfter(db, after);
      const { agents: a } = db.tables;
      const agentIds = new Set(runs.map(({ agentId }) => agentId));
      const agents = new Map((await rowsByKey(db, a, a.agentId, agentIds)).map((row) => [row.agentId, row]));
      const stalls = await stallsOf(db, runs);
      for (const run of runs) {
        const agent = agents.get(run.agentId);
        if (agent !== undefined) seen.push(seenRun(run, agent, stalls, { ...look, now }));
      }
      return runs;
    });
    after = some.at(-1) ?? null;
    if (after === null || some.length < RUNS_AT_ONCE) return seen;
  }
}

/** In the order of the index by state: by their ids alone they would be looked for among all runs that ever were. */
async function runningAfter(db: Db, after: Execution | null): Promise<Execution[]> {
  const { executions: x } = db.tables;
  const isLater =
    after === null
      ? undefined
      : and(
          gte(x.startedAt, after.startedAt),
          or(gt(x.startedAt, after.startedAt), and(eq(x.startedAt, after.startedAt), gt(x.runId, after.runId))),
        );
  return await db
    .select()
    .from(x)
    .where(and(hasValue("runState", x.state, "running"), isLater))
    .orderBy(asc(x.startedAt), asc(x.runId))
    .limit(RUNS_AT_ONCE);
}

/** By the names of the jobs; a host may have thousands of others. */
async function stallsOf(db: Db, runs: readonly Execution[]): Promise<Map<string, number>> {
  const { jobs: j } = db.tables;
  const agentIds = [...new Set(runs.map(({ agentId }) => agentId))];
  const subjectIds = [...new Set(runs.map(({ vmContextId }) => vmContextId))];
  if (runs.length === 0) return new Map();
  const rows = await db
    .select({ agentId: j.agentId, subjectId: j.subjectId, task: j.task, stallSeconds: j.stallSeconds })
    .from(j)
    .where(and(inArray(j.agentId, agentIds), inArray(j.subjectId, subjectIds)));
  return new Map(rows.map((row) => [jobName(row), row.stallSeconds]));
}

function seenRun(
  run: Execution,
  agent: AgentRow,
  stalls: ReadonlyMap<string, number>,
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
  const stallSeconds = stalls.get(jobName({ agentId, subjectId: vmContextId, task })) ?? STALL_SECONDS;
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

function changeOf({ run, isHung, movedAt }: Seen, now: Date): Partial<Execution> | null {
  if (isHung !== (run.hungAt !== null)) return { hungAt: isHung ? now : null };
  const noted = run.progressedAt ?? run.receivedAt;
  return !isHung && movedAt.getTime() - noted.getTime() >= MOVES_MS ? { progressedAt: movedAt } : null;
}

async function noteRuns(db: Db, changed: readonly Seen[], now: Date): Promise<void> {
  const { executions: x } = db.tables;
  for (const one of changed) {
    const change = changeOf(one, now);
    const running = and(eq(x.runId, one.run.runId), eq(x.state, "running"));
    if (change !== null) await db.update(x).set(change).where(running).execute();
  }
  await recordObservations(db, changed.filter(({ isHung }) => isHung).map(stalled), now);
}

/** Of what is said to be hung and is not any more. */
async function noteMoving(store: Store, going: readonly Seen[], now: Date): Promise<void> {
  const hung = new Set(going.filter(({ isHung }) => isHung).map(({ run }) => keyOf(run)));
  const over = (await store.read(saidHung)).filter(({ key }) => !hung.has(key));
  for (let from = 0; from < over.length; from += RUNS_AT_ONCE) {
    const some = over.slice(from, from + RUNS_AT_ONCE);
    await store.write((db) => recordObservations(db, some.map(movesAgain), now));
  }
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
