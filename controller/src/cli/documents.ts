/** What the API's answers are, by the API's own declarations. */
import type { z } from "zod";
import type { agentBody, enrolmentTokenBody, gapBody } from "../http/answers/agent.ts";
import type { alertBody, alertDeliveryBody, noteBody, silenceBody } from "../http/answers/alert.ts";
import type { backupBody } from "../http/answers/backup.ts";
import type { channelBody, deliveryBody } from "../http/answers/channel.ts";
import type { commandBody } from "../http/answers/command.ts";
import type { complianceBody, traitsBody } from "../http/answers/compliance.ts";
import type { itemHealthBody, itemStateBody, scopeHealthBody } from "../http/answers/health.ts";
import type { drillBody, executionBody, verificationBody } from "../http/answers/history.ts";
import type { itemBody, repositoryBody } from "../http/answers/item.ts";
import type { expectedRunBody, jobBody } from "../http/answers/ledger.ts";
import type { policyAnswer, policyItemBody, versionBody } from "../http/answers/policy.ts";
import type { previewBody as policyPreviewBody } from "../http/answers/policy-preview.ts";
import type { scheduleBody } from "../http/answers/report-schedule.ts";
import type { markBody, planBody, previewBody as retentionPreviewBody } from "../http/answers/retention.ts";
import type { routeBody } from "../http/answers/route.ts";
import type { windowBody } from "../http/answers/window.ts";

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
export type PolicyDocument = z.output<typeof policyAnswer>;
export type PolicyItemDocument = z.output<typeof policyItemBody>;
export type PolicyVersionDocument = z.output<typeof versionBody>;
export type PolicyPreviewDocument = z.output<typeof policyPreviewBody>;
export type WindowDocument = z.output<typeof windowBody>;
export type ExpectedRunDocument = z.output<typeof expectedRunBody>;
export type JobDocument = z.output<typeof jobBody>;
export type RetentionPreviewDocument = z.output<typeof retentionPreviewBody>;
export type RetentionPlanDocument = z.output<typeof planBody>;
export type RetentionMarkDocument = z.output<typeof markBody>;
export type ItemHealthDocument = z.output<typeof itemHealthBody>;
export type ItemStateDocument = z.output<typeof itemStateBody>;
export type ScopeHealthDocument = z.output<typeof scopeHealthBody>;
export type ReportScheduleDocument = z.output<typeof scheduleBody>;
export type TraitsDocument = z.output<typeof traitsBody>;
export type ComplianceDocument = z.output<typeof complianceBody>;
export type AlertDocument = z.output<typeof alertBody>;
export type AlertNoteDocument = z.output<typeof noteBody>;
export type AlertDeliveryDocument = z.output<typeof alertDeliveryBody>;
export type SilenceDocument = z.output<typeof silenceBody>;
export type RouteDocument = z.output<typeof routeBody>;
export type ChannelDocument = z.output<typeof channelBody>;
export type DeliveryDocument = z.output<typeof deliveryBody>;

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

export type HoldDocument = {
  hold_id: string;
  agent_id: string;
  vm_context_id: string;
  backup_id: string | null;
  kind: "legal" | "immutable";
  until: string | null;
  reason: string;
  created_at: string;
  created_by: string;
  released_at: string | null;
  released_by: string | null;
  release_reason: string | null;
};

export type RouteForecastDocument = {
  route_id: string | null;
  route_name: string;
  channel_ids: string[];
  told_after_seconds: number;
  repeat_seconds: number;
  escalate_after_seconds: number | null;
  escalate_channel_ids: string[];
  quiet_until: string | null;
};
