/** Of the API's answers, what the story looks at. */
import { z } from "zod";

const time = z.iso.datetime();
const problem = z.object({ code: z.string(), message: z.string(), remedy: z.string().nullable() });
const verdict = z.object({ status: z.string() });

export const enrolmentTokenAnswer = z.object({ token: z.string(), token_id: z.string() });

export const agentAnswer = z.object({
  agent_id: z.uuid(),
  name: z.string(),
  hostname: z.string(),
  state: z.string(),
  connected: z.boolean(),
  policy: z.object({
    version: z.number(),
    applied_version: z.number(),
    refused: z.array(problem.extend({ subject: z.string() })),
  }),
});
export type AgentAnswer = z.infer<typeof agentAnswer>;

export const repositoryAnswer = z.object({ repository_id: z.string(), path: z.string(), state: z.string() });
export const itemAnswer = z.object({ vm_context_id: z.string(), repository_id: z.string() });

export const backupAnswer = z.object({
  backup_id: z.string(),
  vm_name: z.string(),
  status: z.string(),
  backup_type: z.string(),
  reason: z.string().nullable(),
  total_bytes: z.number(),
  file_size_bytes: z.number().nullable(),
  parent_backup_id: z.string().nullable(),
  created_at: time,
  completed_at: time.nullable(),
  command_id: z.string().nullable(),
  run_id: z.string().nullable(),
  tags: z.record(z.string(), z.string()),
  checksum: z.object({ hash_map: z.string() }).nullable(),
  verification: verdict.extend({ verification_id: z.string(), verified_at: time }).nullable(),
  drill: verdict.extend({ drill_id: z.string(), restore_seconds: z.number().nullable() }).nullable(),
});
export type BackupAnswer = z.infer<typeof backupAnswer>;
export const backupsAnswer = z.object({ backups: z.array(backupAnswer), next_cursor: z.string().nullable() });

export const commandAnswer = z.object({
  command_id: z.uuid(),
  kind: z.string(),
  state: z.string(),
  finished_at: time.nullable(),
  cancel_requested_at: time.nullable(),
  result: z.looseObject({ summary: z.string() }).nullable(),
  error: problem.nullable(),
});
export type CommandAnswer = z.infer<typeof commandAnswer>;

export const executionAnswer = z.object({
  run_id: z.string(),
  kind: z.string(),
  state: z.string(),
  command_id: z.string().nullable(),
  started_at: time,
  ended_at: time.nullable(),
  progress: z.object({ phase: z.string(), done: z.number(), total: z.number() }).nullable(),
});
export type ExecutionAnswer = z.infer<typeof executionAnswer>;
export const executionsAnswer = z.object({
  executions: z.array(executionAnswer),
  next_cursor: z.string().nullable(),
});

const verificationAnswer = z.object({
  verification_id: z.string(),
  status: z.string(),
  reason: z.string(),
  parts: z.array(z.string()),
  cached: z.boolean(),
  bytes_checked: z.number(),
  duration_seconds: z.number(),
});
export const verificationsAnswer = z.object({ verifications: z.array(verificationAnswer) });

const drillAnswer = z.object({
  drill_id: z.string(),
  status: z.string(),
  reason: z.string(),
  restore_seconds: z.number().nullable(),
  restored_bytes: z.number(),
  duration_seconds: z.number(),
});
export const drillsAnswer = z.object({ drills: z.array(drillAnswer) });

const aomeiJobAnswer = z.object({
  job_name: z.string(),
  expectation: z.object({ says: z.string() }),
  executions: z.array(z.object({ date: z.string(), result: z.string() })),
});
export type AomeiJobAnswer = z.infer<typeof aomeiJobAnswer>;
export const aomeiJobsAnswer = z.object({ data: z.array(aomeiJobAnswer) });
