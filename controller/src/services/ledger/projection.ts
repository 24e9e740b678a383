/** Follows what agents tell of runs that were due. */
import { type EventBody, readEvent } from "@holdfast/protocol";
import type { RunFacts } from "../../domain/ledger/settle.ts";
import { rowsByKey } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import type { Projection, SeenEvent } from "../projection/run-projection.ts";
import { observeLost } from "./observe-lost.ts";
import { missing, observeMissed } from "./observe-missed.ts";
import { type ExpectedRow, putExpected } from "./rows.ts";
import { syncJobs } from "./sync-jobs.ts";
import { type DueTold, tellDue } from "./tell-due.ts";

type Execution = Db["tables"]["executions"]["$inferSelect"];

const POLICIES_AT_ONCE = 5;

export const ledgerProjection: Projection = {
  name: "ledger",
  // No host runs by itself before it was told to, by a policy that is younger than this.
  begin: "newest",
  kinds: ["policy_applied", "run_started", "run_finished", "run_skipped"],
  share: uptoPolicies,
  take: async (db, events, now) => {
    let waiting: SeenEvent[] = [];
    const changed: ExpectedRow[] = [];
    for (const event of events.filter(({ problem }) => problem === null)) {
      if (event.kind !== "policy_applied") waiting.push(event);
      else {
        changed.push(...(await takeRuns(db, waiting, now)));
        waiting = [];
        await takePolicy(db, event, now);
      }
    }
    changed.push(...(await takeRuns(db, waiting, now)));
    const items = changed.filter(({ subjectKind }) => subjectKind === "item");
    const isMissed = items.filter(({ state }) => state === "missed");
    await observeMissed(db, [...isMissed, ...(await missing(db, items))], now);
  },
};

/** All jobs of a host are compared for each of these; after a change for the whole fleet they come all at once. */
function uptoPolicies(events: readonly SeenEvent[]): number {
  const places = events.flatMap(({ kind }, index) => (kind === "policy_applied" ? [index] : []));
  return (places[POLICIES_AT_ONCE - 1] ?? events.length) + 1;
}

async function takePolicy(db: Db, { agentId, body, receivedAt, kind }: SeenEvent, now: Date): Promise<void> {
  const event = readEvent({ kind, body });
  if (!("kind" in event) || event.kind !== "policy_applied") return;
  const clockOffsetMs = await offsetOf(db, agentId);
  const appliedAt = new Date(Date.parse(event.body.applied_at) - clockOffsetMs);
  await syncJobs(db, agentId, { appliedAt: appliedAt < receivedAt ? appliedAt : receivedAt, receivedAt }, now);
}

async function takeRuns(db: Db, events: readonly SeenEvent[], now: Date): Promise<ExpectedRow[]> {
  const read = events.flatMap(({ kind, body, agentId }) => {
    const event = readEvent({ kind, body });
    return "kind" in event ? [{ agentId, event }] : [];
  });
  const ids = read.flatMap(({ event }) =>
    event.kind === "run_started" || event.kind === "run_finished" ? [event.body.run_id] : [],
  );
  const { executions: x, agents: a } = db.tables;
  const runs = new Map((await rowsByKey(db, x, x.runId, ids)).map((run) => [run.runId, run]));
  const agents = await rowsByKey(db, a, a.agentId, new Set(read.map(({ agentId }) => agentId)));
  const offsets = new Map(agents.map(({ agentId, clockOffsetMs }) => [agentId, clockOffsetMs ?? 0]));
  const told = read.flatMap(({ agentId, event }): DueTold[] => {
    if (event.kind === "run_skipped") return [skipOf(agentId, event.body)];
    if (event.kind !== "run_started") return [];
    return startOf(agentId, event.body, { run: runs.get(event.body.run_id), offsetMs: offsets.get(agentId) ?? 0 });
  });
  const begun = await tellDue(db, told, now);
  await observeLost(
    db,
    [...runs.values()].filter(({ state }) => state !== "running"),
    now,
  );
  return [...begun, ...(await endRuns(db, runs, now))];
}

type Around = { run: Execution | undefined; offsetMs: number };

function startOf(agentId: string, body: EventBody<"run_started">, { run, offsetMs }: Around): DueTold[] {
  const { scheduled, vm_context_id: subjectId, run_id: runId, started_at } = body;
  if (scheduled === null || scheduled === undefined || run === undefined || run.agentId !== agentId) return [];
  const { task, attempt } = scheduled;
  const facts: RunFacts = { runId, state: run.state, attempt, startedAt: new Date(Date.parse(started_at) - offsetMs) };
  const since = scheduled.since === null ? null : new Date(scheduled.since);
  const by = { policyId: scheduled.policy_id, version: scheduled.policy_version };
  return [{ agentId, subjectId, task, dueAt: new Date(scheduled.due_at), since, by, told: { run: facts } }];
}

function skipOf(agentId: string, body: EventBody<"run_skipped">): DueTold {
  const { vm_context_id: subjectId, task, due_at, since = null, reason } = body;
  const about = { agentId, subjectId, task, dueAt: new Date(due_at), since: since === null ? null : new Date(since) };
  // Whoever wants no late run still wants to hear that there was none in time.
  return { ...about, told: reason === "catch_up_never" ? { missed: reason } : { skipped: reason } };
}

/** What became of runs that are in the ledger already. */
async function endRuns(db: Db, runs: ReadonlyMap<string, Execution>, now: Date): Promise<ExpectedRow[]> {
  const { expectedRuns: e } = db.tables;
  const known = await rowsByKey(db, e, e.runId, runs.keys());
  const ended = known.flatMap((row): ExpectedRow[] => {
    const run = runs.get(row.runId ?? "");
    if (run === undefined || run.state === "running" || row.state === "coalesced") return [];
    if (run.agentId !== row.agentId || row.runState === run.state) return [];
    const state = row.state === "ran_late" || row.reason === "late" ? "ran_late" : "ran";
    return [{ ...row, state, reason: null, runState: run.state, settledAt: now }];
  });
  await putExpected(db, ended);
  return ended;
}

async function offsetOf(db: Db, agentId: string): Promise<number> {
  const { agents: a } = db.tables;
  const [agent] = await rowsByKey(db, a, a.agentId, [agentId]);
  return agent?.clockOffsetMs ?? 0;
}
