/** What was decided about 200,000 backups, a hundred thousand plans, holds, commands that waited for a second person; and what is asked of them. */
import type { Ask } from "../api/asks.ts";
import { COUNTS, itemOfRun, uuidOf } from "../api/seed-rows.ts";

const POLICY = uuidOf(500_000_000);
const json = (value: unknown) => `'${JSON.stringify(value).replaceAll("'", "''")}'`;
const REASONS = json([{ rule: "daily", text: "of 2026-02-15, day 1 of 7", until: null }]);
const REMOVALS = json([{ repository_id: "main", backup_ids: ["backup-server-disk0-20240101-000000-1"] }]);

/** SQL that both databases take, for after the seed of the api bench. */
export function retentionStatements(): string[] {
  return [
    `INSERT INTO retention_marks (agent_id, backup_id, vm_context_id, mark, reasons, policy_id, decided_at)
      SELECT agent_id, backup_id, vm_context_id,
        CASE WHEN backup_type = 'full' THEN 'keep_as_parent' WHEN status = 'failed' THEN 'remove' ELSE 'keep' END,
        ${REASONS}, '${POLICY}', created_at FROM backups`,
    `INSERT INTO retention_plans (plan_id, agent_id, vm_context_id, policy_id, policy_version, made_at, made_by, state,
        keep_count, merge_count, remove_count, removals, left_ids, command_ids, finished_at)
      SELECT command_id, agent_id, vm_context_id, '${POLICY}', 1, started_at, 'policy:${POLICY}',
        CASE WHEN state = 'running' THEN 'waiting' WHEN state = 'failed' THEN 'failed' WHEN kind = 'drill' THEN 'superseded'
          ELSE 'applied' END,
        10, 0, 1, ${REMOVALS}, '[]', '[]', ended_at FROM executions WHERE command_id IS NOT NULL`,
    `INSERT INTO holds (hold_id, agent_id, vm_context_id, kind, reason, created_at, created_by, released_at)
      SELECT command_id, agent_id, vm_context_id, CASE WHEN kind = 'drill' THEN 'immutable' ELSE 'legal' END, 'a lawsuit',
        started_at, 'token:admin', CASE WHEN state = 'failed' THEN NULL ELSE ended_at END
      FROM executions WHERE command_id IS NOT NULL AND kind <> 'backup'`,
    `UPDATE commands SET approval_state = CASE WHEN state = 'done' THEN 'approved' ELSE 'rejected' END,
      approval_by = 'token:other', approval_at = created_at, approval_reason = '' WHERE kind = 'drill.start'`,
  ];
}

const agentOf = (time: number) => uuidOf(itemOfRun(time) % COUNTS.agents);
const vmOf = (time: number) => `vm-${itemOfRun(time)}`;

export const retentionAsks: readonly Ask[] = [
  { name: "marks", path: () => "/api/v1/retention/marks" },
  { name: "marks of an item", path: (time) => `/api/v1/retention/marks?vm_context_id=${vmOf(time)}` },
  { name: "removals of an agent", path: (time) => `/api/v1/retention/marks?agent_id=${agentOf(time)}&mark=remove` },
  { name: "plans", path: () => "/api/v1/retention/plans" },
  { name: "waiting plans", path: () => "/api/v1/retention/plans?state=waiting" },
  {
    name: "failed plans of an agent",
    path: (time) => `/api/v1/retention/plans?agent_id=${agentOf(time)}&state=failed`,
  },
  { name: "holds", path: () => "/api/v1/holds" },
  { name: "open holds", path: () => "/api/v1/holds?released=false" },
  { name: "holds of an item", path: (time) => `/api/v1/holds?vm_context_id=${vmOf(time)}` },
  { name: "approvals", path: () => "/api/v1/commands/approvals" },
  {
    name: "rejected of an agent",
    path: (time) => `/api/v1/commands/approvals?state=rejected&agent_id=${agentOf(time)}`,
  },
];
