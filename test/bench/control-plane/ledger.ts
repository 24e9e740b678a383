/** A million expected runs, one for each that there was, and thirty thousand jobs; and what is asked of them. */
import type { Ask } from "../api/asks.ts";
import { COUNTS, itemOfRun, SPAN_MS, uuidOf } from "../api/seed-rows.ts";

/** SQL that both databases take, for after the seed of the api bench. */
export function ledgerStatements(): string[] {
  const task = "CASE WHEN kind = 'backup' THEN 'backup' WHEN kind = 'drill' THEN 'drill' ELSE 'verify' END";
  const state = `CASE state WHEN 'completed' THEN 'ran' WHEN 'failed' THEN 'ran' WHEN 'lost' THEN 'missed'
    WHEN 'running' THEN 'running' ELSE 'skipped' END`;
  return [
    `INSERT INTO expected_runs (agent_id, subject_id, task, due_at, subject_kind, starts_at, grace_until, state, run_id,
        run_state, attempt, written_at, settled_at)
      SELECT agent_id, vm_context_id, ${task}, started_at, 'item', started_at, started_at + 3600000, ${state}, run_id,
        state, 1, started_at - 60000, ended_at FROM executions`,
    ...["backup", "verify", "drill"].map(
      (name) => `INSERT INTO jobs (agent_id, subject_id, task, subject_kind, plan, grace_seconds, stall_seconds,
          effective_from, expected_through, next_due_at)
        SELECT agent_id, vm_context_id, '${name}', 'item', 'null', 3600, 1800, created_at, created_at,
          ${Date.now() + SPAN_MS} FROM items WHERE retired_at IS NULL`,
    ),
  ];
}

const agentOf = (time: number) => uuidOf(itemOfRun(time) % COUNTS.agents);
const vmOf = (time: number) => `vm-${itemOfRun(time)}`;
/** The one with a tenth of everything. */
const LARGEST = uuidOf(0);
const PATH = "/api/v1/expected-runs";
const MIDDLE = Buffer.from(JSON.stringify([Date.now() - SPAN_MS / 2, "x", "x", "x"])).toString("base64url");

export const ledgerAsks: readonly Ask[] = [
  { name: "expected runs", path: () => PATH },
  { name: "expected runs, in the middle", path: () => `${PATH}?cursor=${MIDDLE}` },
  { name: "expected runs of an agent", path: (time) => `${PATH}?agent_id=${agentOf(time)}` },
  { name: "expected runs of the largest agent", path: () => `${PATH}?agent_id=${LARGEST}` },
  { name: "expected runs of an item", path: (time) => `${PATH}?vm_context_id=${vmOf(time)}` },
  ...["ran", "missed", "skipped", "running", "unknown"].map((state) => ({
    name: `expected runs that are ${state}`,
    path: () => `${PATH}?state=${state}`,
  })),
  { name: "missed runs, in the middle", path: () => `${PATH}?state=missed&cursor=${MIDDLE}` },
  { name: "missed runs of the largest agent", path: () => `${PATH}?state=missed&agent_id=${LARGEST}` },
  { name: "expected drills", path: () => `${PATH}?task=drill` },
  { name: "expected drills that were missed", path: () => `${PATH}?task=drill&state=missed` },
  { name: "missed runs of an item", path: (time) => `${PATH}?state=missed&vm_context_id=${vmOf(time)}` },
  { name: "jobs", path: () => "/api/v1/jobs" },
  { name: "jobs of an agent", path: (time) => `/api/v1/jobs?agent_id=${agentOf(time)}` },
  { name: "jobs of an item", path: (time) => `/api/v1/jobs?vm_context_id=${vmOf(time)}` },
];
