/** What the API's answers are, by the API's own declarations. */
import type { z } from "zod";
import type { agentBody, enrolmentTokenBody, gapBody } from "../http/answers/agent.ts";
import type { backupBody } from "../http/answers/backup.ts";
import type { commandBody } from "../http/answers/command.ts";
import type { drillBody, executionBody, verificationBody } from "../http/answers/history.ts";
import type { itemBody, repositoryBody } from "../http/answers/item.ts";

export type AgentDocument = z.output<typeof agentBody>;
export type GapDocument = z.output<typeof gapBody>;
export type TokenDocument = z.output<typeof enrolmentTokenBody>;
export type BackupDocument = z.output<typeof backupBody>;
export type CommandDocument = z.output<typeof commandBody>;
export type RunDocument = z.output<typeof executionBody>;
export type VerificationDocument = z.output<typeof verificationBody>;
export type DrillDocument = z.output<typeof drillBody>;
export type ItemDocument = z.output<typeof itemBody>;
export type RepositoryDocument = z.output<typeof repositoryBody>;

export type ApiKeyDocument = {
  key_id: string;
  name: string;
  scopes: string[];
  agent_id: string | null;
  networks: string[];
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  replaced_by: string | null;
  last_used_at: string | null;
};
export type MadeApiKeyDocument = ApiKeyDocument & { key: string };

export type StatusDocument = {
  version: string;
  time: string;
  agents: { enrolled: number; connected: number; revoked: number };
  items: number;
  running_executions: number;
  open_commands: number;
  executions_last_day: { completed: number; failed: number; cancelled: number; lost: number };
};
