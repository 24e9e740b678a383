/** Fifty policies that share ten thousand items by name, their versions, and years of maintenance; and what is asked of them. */
import { policyBody } from "../../../controller/src/domain/policy/policy-body.ts";
import type { Ask } from "../api/asks.ts";
import { COUNTS, itemOfRun, SPAN_MS, uuidOf } from "../api/seed-rows.ts";

const POLICIES = 50;
const VERSIONS = 20;
const WINDOWS = 1000;
/** Beside the ids of agents and commands. */
const FIRST_ID = 500_000_000;

const idOf = (policy: number) => uuidOf(FIRST_ID + policy);
const text = (value: unknown) =>
  `'${(typeof value === "string" ? value : JSON.stringify(value)).replaceAll("'", "''")}'`;

function bodyOf(policy: number) {
  const names = Array.from({ length: COUNTS.items / POLICIES }, (_, n) => `server-${n * POLICIES + policy}`);
  return policyBody.parse({ name: `policy-${policy}`, selector: { vm_names: names } });
}

/** SQL that both databases take, for after the seed of the api bench. */
export function policyStatements(): string[] {
  const start = Date.now() - SPAN_MS;
  const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);
  const values = (rows: readonly (readonly (string | number)[])[]) =>
    rows.map((row) => `(${row.join(", ")})`).join(",\n");
  const at = (n: number, count: number) => start + Math.floor((n * SPAN_MS) / count);
  const policies = numbers(POLICIES).map((n) => {
    const facts = [text(idOf(n)), text(`policy-${n}`), VERSIONS, "true", 100, text(bodyOf(n))];
    return [...facts, at(n, POLICIES), "'token:admin'", at(n, POLICIES), "'token:admin'"];
  });
  const versions = numbers(POLICIES * VERSIONS).map((n) => {
    const policy = n % POLICIES;
    const version = Math.floor(n / POLICIES) + 1;
    return [text(idOf(policy)), version, text(bodyOf(policy)), at(n, POLICIES * VERSIONS), "'token:admin'", "''"];
  });
  const windows = numbers(WINDOWS).map((n) => {
    const from = at(n, WINDOWS + 100);
    const facts = [text(uuidOf(FIRST_ID + n)), "'patches'", text({ labels: {} }), from, from + 3_600_000, "'UTC'"];
    return [...facts, "false", "''", from, "'token:admin'", n % 3 === 0 ? from + 60_000 : "NULL"];
  });
  return [
    `INSERT INTO policies (policy_id, name, version, enabled, priority, body, created_at, created_by, updated_at, updated_by)
      VALUES ${values(policies)}`,
    `INSERT INTO policy_versions (policy_id, version, body, at, author, reason) VALUES ${values(versions)}`,
    `INSERT INTO maintenance_windows (window_id, name, selector, starts_at, ends_at, zone, suspend_runs, reason, created_at,
      created_by, ended_at) VALUES ${values(windows)}`,
    `INSERT INTO item_policies (agent_id, vm_context_id, policy_id, bound_by, since)
      SELECT agent_id, vm_context_id, '00000000-0000-4000-8000-' ||
        substr(CAST(1000000000000 + ${FIRST_ID} + CAST(substr(vm_context_id, 4) AS bigint) % ${POLICIES} AS text), 2),
        'selector', created_at FROM items WHERE retired_at IS NULL`,
  ];
}

const some = (time: number) => itemOfRun(time) % POLICIES;

export const policyAsks: readonly Ask[] = [
  { name: "policies", path: () => "/api/v1/policies" },
  { name: "policies that are off", path: () => "/api/v1/policies?enabled=false" },
  { name: "a policy", path: (time) => `/api/v1/policies/${idOf(some(time))}` },
  { name: "versions of a policy", path: (time) => `/api/v1/policies/${idOf(some(time))}/versions?limit=10` },
  { name: "items of a policy", path: (time) => `/api/v1/policies/${idOf(some(time))}/items` },
  {
    name: "items of a policy on an agent",
    path: (time) => `/api/v1/policies/${idOf(some(time))}/items?agent_id=${uuidOf(some(time))}`,
  },
  { name: "maintenance", path: () => "/api/v1/maintenance-windows" },
  { name: "maintenance that was ended", path: () => "/api/v1/maintenance-windows?ended=true" },
];
