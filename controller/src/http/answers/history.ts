import { drill, problem, type RunProgress, runProgress, verification } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import type { DrillRow } from "../../services/drills/list.ts";
import type { ExecutionRow } from "../../services/executions/list.ts";
import type { VerificationRow } from "../../services/verifications/list.ts";
import { iso, isoOrNull, time } from "./common.ts";

export const executionBody = z
  .strictObject({
    run_id: z.string(),
    agent_id: z.uuid(),
    kind: z.enum(["backup", "verify", "drill", "restore", "removal"]),
    vm_context_id: z.string(),
    repository_id: z.string().nullable(),
    subject: z.string().nullable(),
    command_id: z.string().nullable(),
    state: z.enum(["running", "completed", "failed", "cancelled", "lost"]),
    outcome: z.string().nullable(),
    error: problem.nullable(),
    progress: runProgress.nullable().openapi({ description: "Of a run that is under way." }),
    started_at: time,
    ended_at: time.nullable(),
    received_at: time,
  })
  .openapi("Execution");

/** `live`: newer progress than the row has. */
export function toExecution(row: ExecutionRow, live?: RunProgress): z.input<typeof executionBody> {
  return {
    run_id: row.runId,
    agent_id: row.agentId,
    kind: row.kind,
    vm_context_id: row.vmContextId,
    repository_id: row.repositoryId,
    subject: row.subject,
    command_id: row.commandId,
    state: row.state,
    outcome: row.outcome,
    error: row.error,
    progress: row.state === "running" ? (live ?? row.progress) : null,
    started_at: iso(row.startedAt),
    ended_at: isoOrNull(row.endedAt),
    received_at: iso(row.receivedAt),
  };
}

export const verificationBody = verification.extend({ agent_id: z.uuid() }).openapi("Verification");

export function toVerification(row: VerificationRow): z.input<typeof verificationBody> {
  return { ...row.body, agent_id: row.agentId };
}

export const drillBody = drill.extend({ agent_id: z.uuid() }).openapi("Drill");

export function toDrill(row: DrillRow): z.input<typeof drillBody> {
  return { ...row.body, agent_id: row.agentId };
}
