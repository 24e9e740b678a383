/** What the lists are asked: each plainly, by each filter, by filters together, and deep in the middle. */
import { backupIdOf, COUNTS, itemOfRun, SPAN_MS, uuidOf } from "./seed-rows.ts";

export type Ask = {
  name: string;
  /** Another one each time where the filter has many values. */
  path: (time: number) => string;
};

type Values = Record<string, string | ((time: number) => string)>;
/** `ids`: how many ids stand in its cursor beside the time. */
type List = { name: string; path: string; ids: number; filters: Values[] };

const some = (count: number) => (time: number) => (time * 6151 + 997) % count;
const item = some(COUNTS.items);
const agent = { agent_id: (time: number) => uuidOf(item(time) % COUNTS.agents) };
/** The one with a tenth of everything. */
const largest = { agent_id: uuidOf(0) };
const backup = some(COUNTS.backups);
/** A backup's number, and from it the agent that has it. */
const agentOfBackup = (number: number) => uuidOf(itemOfRun(number) < 1000 ? 0 : itemOfRun(number) % COUNTS.agents);

const executions: Values[] = [
  ...[agent, largest],
  { vm_context_id: (time) => `vm-${item(time)}` },
  { command_id: (time) => uuidOf(some(COUNTS.commands)(time)) },
  ...["backup", "drill", "removal"].map((kind) => ({ kind })),
  ...["completed", "failed", "lost", "running"].map((state) => ({ state })),
  ...["backup", "removal"].map((kind) => ({ ...largest, kind })),
  ...["completed", "failed"].map((state) => ({ ...largest, state })),
  { vm_context_id: (time) => `vm-${item(time)}`, state: "failed" },
  { kind: "backup", state: "completed" },
  { kind: "drill", state: "cancelled" },
  { kind: "removal", state: "failed" },
  { kind: "backup", state: "lost" },
  { ...largest, kind: "removal", state: "failed" },
];

const backups: Values[] = [
  ...[agent, largest],
  { vm_name: (time) => `server-${item(time)}` },
  { vm_context_id: (time) => `vm-${item(time)}` },
  { vm_name: (time) => `server-${item(time)}`, disk_id: "0" },
  ...["main", "archive"].map((repository_id) => ({ repository_id })),
  ...["0", "7"].map((disk_id) => ({ disk_id })),
  ...["completed", "failed", "running"].map((status) => ({ status })),
  ...["full", "incremental"].map((backup_type) => ({ backup_type })),
  { restore_point_id: (time) => `point-${backup(time) >> 1}` },
  { repository_id: "main", status: "completed" },
  { repository_id: "archive", status: "cancelled" },
  { repository_id: "archive", disk_id: "7" },
  { repository_id: "main", backup_type: "full" },
  { status: "completed", backup_type: "incremental" },
  { status: "failed", backup_type: "full" },
  { disk_id: "1", status: "cancelled" },
  ...["completed", "failed"].map((status) => ({ ...largest, status })),
  { ...largest, repository_id: "archive" },
  { ...largest, backup_type: "full", status: "failed" },
];

const proofs = (rare: string): Values[] => [
  ...[agent, largest],
  { backup_id: (time) => backupIdOf(backup(time)) },
  { agent_id: (time) => agentOfBackup(backup(time)), backup_id: (time) => backupIdOf(backup(time)) },
  ...["passed", rare].map((status) => ({ status })),
  ...["passed", rare].map((status) => ({ ...largest, status })),
];

const commands: Values[] = [
  ...[agent, largest],
  ...["backup.start", "drill.start", "agent.diagnose"].map((kind) => ({ kind })),
  ...["done", "failed", "queued"].map((state) => ({ state })),
  ...["done", "failed"].map((state) => ({ ...largest, state })),
  { ...largest, kind: "drill.start" },
  { kind: "backup.start", state: "done" },
  { kind: "backup.pin", state: "expired" },
];

const items: Values[] = [
  ...[agent, largest],
  { vm_name: (time) => `server-${item(time)}` },
  ...["main", "archive", "elsewhere"].map((repository_id) => ({ repository_id })),
  { ...largest, repository_id: "archive" },
];

const LISTS: List[] = [
  { name: "executions", path: "/api/v1/executions", ids: 1, filters: executions },
  { name: "backups", path: "/api/v1/backup/list", ids: 2, filters: backups },
  { name: "verifications", path: "/api/v1/verifications", ids: 1, filters: proofs("failed") },
  { name: "drills", path: "/api/v1/drills", ids: 1, filters: proofs("inconclusive") },
  { name: "commands", path: "/api/v1/commands", ids: 1, filters: commands },
  { name: "items", path: "/api/v1/items", ids: 2, filters: items },
  { name: "repositories", path: "/api/v1/repositories", ids: 2, filters: [agent] },
  { name: "agents", path: "/api/v1/agents", ids: 1, filters: [{ state: "revoked" }, { hostname: "host-77.example" }] },
];

/** Without a total or filters worth their while. */
const OTHERS: Ask[] = [
  "audit",
  "audit?actor=token:nobody",
  "audit?action=backups.7",
  "enrolment-tokens",
  "api-keys",
].map((path) => ({ name: path, path: () => `/api/v1/${path}` }));

const GAPS: Ask = { name: "gaps of an agent", path: (time) => `/api/v1/agents/${agent.agent_id(time)}/gaps` };

export const asks: readonly Ask[] = [...LISTS.flatMap(asksOf), ...OTHERS, GAPS];

function asksOf({ name, path, ids, filters }: List): Ask[] {
  const middle = cursor(ids);
  const [first] = filters;
  return [
    { name, path: () => path },
    { name: `${name}, in the middle`, path: () => `${path}?cursor=${middle}` },
    ...(first === undefined
      ? []
      : [
          {
            name: `${name} ${label(first)}, in the middle`,
            path: (time: number) => `${path}?${query(first, time)}&cursor=${middle}`,
          },
        ]),
    ...filters.map((values) => ({
      name: `${name} ${label(values)}`,
      path: (time: number) => `${path}?${query(values, time)}`,
    })),
  ];
}

/** Of no row, but between two: half of everything is older. */
function cursor(ids: number): string {
  const at = Date.now() - SPAN_MS / 2;
  return Buffer.from(JSON.stringify([at, ...Array.from({ length: ids }, () => "x")])).toString("base64url");
}

function query(values: Values, time: number): string {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) asked.set(name, typeof value === "string" ? value : value(time));
  return asked.toString();
}

function label(values: Values): string {
  return Object.entries(values)
    .map(([name, value]) =>
      value === largest.agent_id ? "largest agent" : typeof value === "string" ? `${name}=${value}` : name,
    )
    .join(" & ");
}
