/** What ten thousand items are worth today and were on each of ninety days; and what is asked of it. */
import type { Ask } from "../api/asks.ts";
import { COUNTS, itemOfRun, uuidOf } from "../api/seed-rows.ts";

const DAYS = 90;
const DAY_MS = 86_400_000;
const dayOf = (ago: number) => new Date(Date.now() - ago * DAY_MS).toISOString().slice(0, 10);
const DIGITS = `'${JSON.stringify([])}'`;

/** SQL that both databases take, for after the seed of the api bench. */
export function healthStatements(): string[] {
  const columns = `(scope_kind, scope_id, metric_date, total_backups, successful_backups, failed_backups, total_size_bytes,
    verifications_total, verifications_passed, drills_total, drills_passed, verification_success_rate,
    restore_test_success_rate, health_score, updated_at)`;
  const values = "3, 2, 1, 1000000, 1, 1, 1, 0, 1.0, 0.0, 0.63";
  return [
    `INSERT INTO item_states (agent_id, subject_id, subject_kind, name, created_at, score, band, proven, last_good_at,
        compliant, digits, updated_at)
      SELECT agent_id, vm_context_id, 'item', vm_name, created_at, 0.9,
        CASE WHEN CAST(substr(vm_context_id, 4) AS integer) % 20 = 0 THEN 'critical'
          WHEN CAST(substr(vm_context_id, 4) AS integer) % 5 = 0 THEN 'warning' ELSE 'good' END,
        true, created_at, CAST(substr(vm_context_id, 4) AS integer) % 3 = 0, ${DIGITS}, created_at
      FROM items WHERE retired_at IS NULL`,
    ...Array.from({ length: DAYS }, (_, ago) => [
      `INSERT INTO health_daily ${columns} SELECT 'item', agent_id || '/' || vm_context_id, '${dayOf(ago)}', ${values},
        created_at FROM items WHERE retired_at IS NULL`,
      `INSERT INTO health_daily ${columns} SELECT 'agent', agent_id, '${dayOf(ago)}', ${values}, created_at FROM agents`,
      `INSERT INTO health_daily ${columns} VALUES ('fleet', 'fleet', '${dayOf(ago)}', ${values}, 0)`,
    ]).flat(),
  ];
}

const agentOf = (time: number) => uuidOf(itemOfRun(time) % COUNTS.agents);
const LARGEST = uuidOf(0);
const PATH = "/api/v1/health/items";

export const healthAsks: readonly Ask[] = [
  { name: "health", path: () => "/api/v1/health" },
  { name: "health of items", path: () => PATH },
  { name: "health of an agent's items", path: (time) => `${PATH}?agent_id=${agentOf(time)}` },
  { name: "health of the largest agent's items", path: () => `${PATH}?agent_id=${LARGEST}` },
  { name: "items in trouble", path: () => `${PATH}?band=critical` },
  { name: "items that do not comply", path: () => `${PATH}?compliant=false` },
  { name: "items in trouble that do not comply", path: () => `${PATH}?band=critical&compliant=false` },
  { name: "health of an agent", path: (time) => `/api/v1/health/agents/${agentOf(time)}` },
  { name: "the fleet's days", path: () => "/api/v1/health/daily?scope=fleet&days=90" },
  { name: "an agent's days", path: (time) => `/api/v1/health/daily?scope=agent&id=${agentOf(time)}&days=90` },
];
