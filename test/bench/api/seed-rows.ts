/** A fleet of years in SQL that both databases take: ten thousand items, a million runs, and what came of them. */
import { results } from "../hub/results.ts";

export const COUNTS = {
  ...{ agents: 1000, repositories: 2000, items: 10_000, executions: 1_000_000, backups: 200_000 },
  ...{ verifications: 200_000, drills: 100_000, commands: 100_000, audit: 100_000, tokens: 1000, keys: 1000 },
};

/** The first agent has a tenth of everything; the others share the rest. */
const ITEMS_OF_FIRST = 1000;
/** Just inside what the history keeps. */
export const SPAN_MS = 690 * 86_400_000;

/** The id of the agent, command or token with this number, as the SQL below makes it. */
export function uuidOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

export function itemOfRun(run: number): number {
  return (run * 7919) % COUNTS.items;
}

export function backupIdOf(backup: number): string {
  return `backup-server-disk0-20240101-000000-${backup}`;
}

const padded = (number: string, digits: number) => `substr(CAST(1${"0".repeat(digits)} + ${number} AS text), 2)`;
const uuid = (number: string) => `'00000000-0000-4000-8000-' || ${padded(number, 12)}`;
const agentOf = (item: string) =>
  uuid(`(CASE WHEN ${item} < ${ITEMS_OF_FIRST} THEN 0 ELSE ${item} % ${COUNTS.agents} END)`);
const repositoryOf = (item: string) => `CASE WHEN ${item} % 10 = 0 THEN 'archive' ELSE 'main' END`;
const text = (value: unknown) => `'${JSON.stringify(value).replaceAll("'", "''")}'`;

/** `columns`: what each is made of, from the row's number `n`, its item `i`, its time `at` and a number below 1000 `h`. */
function insert(table: string, rows: number, columns: Record<string, string>): string {
  const [names, values] = [Object.keys(columns), Object.values(columns)];
  const start = Date.now() - SPAN_MS;
  return `INSERT INTO ${table} (${names.join(", ")})
    WITH RECURSIVE counted(n) AS (
      SELECT CAST(0 AS bigint) UNION ALL SELECT n + 1 FROM counted WHERE n < ${rows - 1}
    ), facts AS (
      SELECT n, (n * 7919) % ${COUNTS.items} AS i, ${start} + n * ${Math.floor(SPAN_MS / rows)} AS at,
        (n * 617 + n / 1000) % 1000 AS h
      FROM counted
    )
    SELECT ${values.join(", ")} FROM facts`;
}

const PROBLEM = { code: "SOURCE_UNREADABLE", message: "the disk could not be read", remedy: "look at the disk" };
const proof = { parts: ["structure", "map"], reason: "all parts held", findings: [], findings_total: 0 };
const times = { started_at: "2026-03-01T03:00:00.000Z", duration_seconds: 12 };

function hosts(): string[] {
  return [
    insert("agents", COUNTS.agents, {
      ...{ agent_id: uuid("n"), name: "'host-' || n", hostname: "'host-' || n || '.example'" },
      ...{ platform: "'linux x64'", version: "'0.1.0'", labels: "'{}'", created_at: "at", info: "'{}'" },
      state: "CASE WHEN n % 100 = 7 THEN 'revoked' ELSE 'enrolled' END",
      ...{ policy_version: "1", policy_applied_version: "1", policy_refused: "'[]'" },
    }),
    insert("repositories", COUNTS.repositories, {
      ...{ agent_id: uuid("n / 2"), repository_id: "CASE WHEN n % 2 = 0 THEN 'main' ELSE 'archive' END" },
      ...{ kind: "'local'", path: "'/backup/' || n", origin: "'host'", encryption: "false", state: "'ready'" },
      ...{ created_at: "at", updated_at: "at" },
    }),
    insert("items", COUNTS.items, {
      ...{ agent_id: agentOf("n"), vm_context_id: "'vm-' || n", vm_name: "'server-' || n" },
      ...{ repository_id: repositoryOf("n"), origin: "'host'", created_at: "at", updated_at: "at" },
      definition: text({ disks: [{ disk_id: 0, source: { kind: "file", path: "/vm/disk.raw", format: "raw" } }] }),
      retired_at: "CASE WHEN n % 50 = 3 THEN at END",
    }),
    insert("spool_gaps", COUNTS.agents * 10, {
      ...{
        gap_id: "'gap-' || n",
        agent_id: uuid(`n % ${COUNTS.agents}`),
        epoch: "'epoch'",
        from_seq: "n",
        to_seq: "n + 5",
      },
      ...{ reason: "'the spool was full'", noticed_at: "at" },
    }),
    insert("enrolment_tokens", COUNTS.tokens, {
      ...{ token_id: "'token-' || n", secret_hash: "''", created_by: "'token:admin'", created_at: "at" },
      ...{ expires_at: "at", used_at: "at", used_by: uuid("n") },
    }),
    insert("api_keys", COUNTS.keys, {
      ...{ key_id: "'key-' || n", name: "'key'", secret_hash: "''", scopes: `'["read"]'`, networks: "'[]'" },
      ...{ created_by: "'token:admin'", created_at: "at", revoked_at: "at" },
    }),
    insert("audit", COUNTS.audit, {
      ...{ at: "at", actor: "'token:person-' || (n % 40)", action: "'backups.' || (n % 20)" },
      ...{ subject: "'vm-' || i", outcome: "'done'", details: "'{}'" },
    }),
  ];
}

/** No removal ever failed, and none was lost since long ago: what no list of two filters may have to search for. */
function runs(): string[] {
  const kind = `CASE WHEN h % 100 < 70 THEN 'backup' WHEN h % 100 < 90 THEN 'verify' WHEN h % 100 < 98 THEN 'drill'
    WHEN h % 100 = 98 THEN 'restore' ELSE 'removal' END`;
  const state = `CASE WHEN n >= ${COUNTS.executions - 500} THEN 'running' WHEN h % 100 = 99 THEN 'completed'
    WHEN h >= 900 AND h < 930 THEN 'failed' WHEN h >= 930 AND h < 940 THEN 'cancelled'
    WHEN h >= 940 AND h < 960 AND n < 300000 THEN 'lost' ELSE 'completed' END`;
  const commandState = "CASE WHEN h < 30 THEN 'failed' WHEN h < 40 THEN 'expired' ELSE 'done' END";
  const commandKind =
    "CASE WHEN h % 10 < 8 THEN 'backup.start' WHEN h % 10 = 8 THEN 'drill.start' ELSE 'backup.pin' END";
  return [
    insert("executions", COUNTS.executions, {
      ...{ run_id: `'run-20240101-000000-backup-' || ${padded("n", 8)}`, agent_id: agentOf("i"), kind, state },
      ...{ vm_context_id: "'vm-' || i", repository_id: repositoryOf("i") },
      command_id: `CASE WHEN n % 10 = 0 THEN ${uuid("n / 10")} END`,
      outcome: "'458 blocks of 65536 bytes were written'",
      error: `CASE WHEN h >= 900 AND h < 930 THEN ${text(PROBLEM)} END`,
      ...{ started_at: "at", received_at: "at + 40000" },
      ended_at: `CASE WHEN n < ${COUNTS.executions - 500} THEN at + 30000 END`,
    }),
    insert("commands", COUNTS.commands, {
      ...{ command_id: uuid("n"), agent_id: agentOf("i"), kind: commandKind, state: commandState },
      ...{ arguments: text({ vm_context_id: "vm-1", repository_id: "main" }), author: "'token:admin'", reason: "''" },
      ...{ created_at: "at", deadline: "at + 3600000", sent_at: "at", finished_at: "at + 60000", run_ids: "'[]'" },
    }),
  ];
}

function backups(): string[] {
  const recorded = results(0, 1)[1]?.body as { sidecar: { hash_map: { sha256: string } } };
  const id = "'backup-server-disk0-20240101-000000-' || n";
  return [
    insert("backups", COUNTS.backups, {
      ...{ agent_id: agentOf("i"), backup_id: id, repository_id: repositoryOf("i"), vm_context_id: "'vm-' || i" },
      ...{ vm_name: "'server-' || i", disk_id: `(n / ${COUNTS.items}) % 2` },
      backup_type: "CASE WHEN h % 30 = 0 THEN 'full' ELSE 'incremental' END",
      status: "CASE WHEN h < 950 THEN 'completed' WHEN h < 990 THEN 'failed' ELSE 'cancelled' END",
      ...{ restore_point_id: "'point-' || (n / 2)", full_backup_id: id, chain_number: "1", chain_position: "0" },
      ...{ file_path: "'/backup/main/' || n || '.qcow2'", bytes_transferred: "500000", total_bytes: "1000000" },
      file_size_bytes: "CASE WHEN h < 950 THEN 500000 + h END",
      ...{ hash_map_sha256: `'${recorded.sidecar.hash_map.sha256}'`, sidecar: text(recorded.sidecar) },
      ...{ consistency: "'offline'", tags: "'{}'", pinned: "false" },
      ...{ created_at: "at", started_at: "at", completed_at: "at + 30000" },
      removed_at: `CASE WHEN n < ${COUNTS.backups / 2} AND h % 5 = 1 THEN at + 40000 END`,
    }),
    insert("verifications", COUNTS.verifications, {
      ...{ verification_id: "'verification-' || n", agent_id: agentOf("i"), backup_id: id, verified_at: "at" },
      ...{ status: "CASE WHEN h < 980 THEN 'passed' ELSE 'failed' END", cached: "false" },
      body: text({ ...proof, ...times, status: "passed", cached: false, bytes_checked: 500_000 }),
    }),
    insert("drills", COUNTS.drills, {
      ...{
        drill_id: "'drill-' || n",
        agent_id: agentOf("i"),
        backup_id: id,
        drilled_at: "at",
        restore_seconds: "12.5",
      },
      ...{ status: "CASE WHEN h < 980 THEN 'passed' ELSE 'inconclusive' END", level: "'bytes'" },
      body: text({ ...proof, ...times, level: "bytes", status: "passed", restore_seconds: 12.5 }),
    }),
  ];
}

/** One statement a table. */
export function seedStatements(): string[] {
  return [...hosts(), ...runs(), ...backups()];
}
