import { commandState, problem } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import type { CommandRow } from "../../services/commands/command-row.ts";
import { iso, isoOrNull, time } from "./common.ts";

const result = z.looseObject({
  summary: z.string(),
  backup_ids: z.array(z.string()).optional(),
  verification_id: z.string().optional(),
  drill_id: z.string().optional(),
});

const approval = z.strictObject({
  state: z.enum(["needed", "approved", "rejected"]),
  by: z.string().nullable(),
  at: time.nullable(),
  reason: z.string().nullable(),
});

export const commandBody = z
  .strictObject({
    command_id: z.uuid(),
    agent_id: z.uuid(),
    kind: z.string(),
    arguments: z.record(z.string(), z.unknown()),
    author: z.string(),
    reason: z.string(),
    state: commandState,
    created_at: time,
    deadline: time.openapi({ description: "Not begun by then, it expires." }),
    sent_at: time.nullable(),
    cancel_requested_at: time.nullable(),
    finished_at: time.nullable(),
    run_ids: z.array(z.string()),
    result: result.nullable(),
    error: problem.nullable(),
    approval: approval.nullable().openapi({ description: "Of one that needs a second person; null: it does not." }),
  })
  .openapi("Command");

export function toCommand(row: CommandRow): z.input<typeof commandBody> {
  return {
    command_id: row.commandId,
    agent_id: row.agentId,
    kind: row.kind,
    arguments: row.arguments,
    author: row.author,
    reason: row.reason,
    state: row.state,
    created_at: iso(row.createdAt),
    deadline: iso(row.deadline),
    sent_at: isoOrNull(row.sentAt),
    cancel_requested_at: isoOrNull(row.cancelRequestedAt),
    finished_at: isoOrNull(row.finishedAt),
    run_ids: row.runIds,
    result: row.result,
    error: row.error,
    approval: approvalOf(row),
  };
}

function approvalOf({ approvalState, approvalBy, approvalAt, approvalReason }: CommandRow) {
  if (approvalState === null) return null;
  return { state: approvalState, by: approvalBy, at: isoOrNull(approvalAt), reason: approvalReason };
}
