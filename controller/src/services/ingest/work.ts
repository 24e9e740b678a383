/** The rows that a group of events works on: loaded together, changed in memory, written together. */
import type { Backup } from "../../domain/backup.ts";
import type { Run } from "../../domain/run.ts";
import type { Tables } from "../../store/schema.ts";

export type AgentRow = Tables["agents"]["$inferSelect"];
export type CommandRow = Tables["commands"]["$inferSelect"];
export type ItemRow = Tables["items"]["$inferSelect"];
export type RepositoryRow = Tables["repositories"]["$inferSelect"];
export type VerificationRow = Tables["verifications"]["$inferSelect"];
export type DrillRow = Tables["drills"]["$inferSelect"];

export type RowSet<Row> = {
  get(key: string): Row | undefined;
  put(row: Row): void;
  all(): Iterable<Row>;
  /** What has to be written. */
  changed(): Row[];
};

export type Work = {
  runs: RowSet<Run>;
  /** By `placedKey(agent, backup)`, as items and repositories are. */
  backups: RowSet<Backup>;
  commands: RowSet<CommandRow>;
  agents: RowSet<AgentRow>;
  items: RowSet<ItemRow>;
  repositories: RowSet<RepositoryRow>;
  verifications: RowSet<VerificationRow>;
  drills: RowSet<DrillRow>;
};

/** The key of what has its id from the host, where two hosts may have chosen the same. */
export function placedKey(agentId: string, id: string): string {
  return `${agentId}/${id}`;
}

export function rowSet<Row>(keyOf: (row: Row) => string, loaded: readonly Row[]): RowSet<Row> {
  const rows = new Map(loaded.map((row) => [keyOf(row), row]));
  const touched = new Set<string>();
  return {
    get: (key) => rows.get(key),
    put(row) {
      const key = keyOf(row);
      rows.set(key, row);
      touched.add(key);
    },
    all: () => rows.values(),
    changed: () => [...touched].flatMap((key) => rows.get(key) ?? []),
  };
}
