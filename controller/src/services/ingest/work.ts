/** The rows that a group of events works on: loaded together, changed in memory, written together. */
import type { Backup } from "../../domain/backup.ts";
import type { Run } from "../../domain/run.ts";
import type { Tables } from "../../store/schema.ts";
import type { AomeiWork } from "../aomei/work.ts";
import type { RowSet } from "../lists/row-set.ts";

export type AgentRow = Tables["agents"]["$inferSelect"];
export type CommandRow = Tables["commands"]["$inferSelect"];
export type ItemRow = Tables["items"]["$inferSelect"];
export type RepositoryRow = Tables["repositories"]["$inferSelect"];
export type VerificationRow = Tables["verifications"]["$inferSelect"];
export type DrillRow = Tables["drills"]["$inferSelect"];

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
  aomei: AomeiWork;
};

/** The key of what has its id from the host, where two hosts may have chosen the same. */
export function placedKey(agentId: string, id: string): string {
  return `${agentId}/${id}`;
}
