import { backupId, pathId, uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { getDrill, listDrills } from "../../services/drills/list.ts";
import { type ExecutionRow, getExecution, listExecutions } from "../../services/executions/list.ts";
import { getVerification, listVerifications } from "../../services/verifications/list.ts";
import { agentInQuery, pageBody, pageFields, paging } from "../answers/common.ts";
import {
  drillBody,
  executionBody,
  toDrill,
  toExecution,
  toVerification,
  verificationBody,
} from "../answers/history.ts";
import type { ApiContext } from "../context.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const recordId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,99}$/, "is no id");

function tell({ presence }: ApiContext, row: ExecutionRow) {
  return toExecution(row, presence.progressOf(row.agentId, row.runId));
}

const executions = endpoint({
  method: "get",
  path: "/api/v1/executions",
  tag: "executions",
  summary: "Runs, the one that began last first",
  action: "executions.read",
  query: z.strictObject({
    agent_id: agentInQuery,
    vm_context_id: pathId.optional(),
    command_id: uuid.optional(),
    kind: z.enum(["backup", "verify", "drill", "restore", "removal"]).optional(),
    state: z.enum(["running", "completed", "failed", "cancelled", "lost"]).optional(),
    ...paging,
  }),
  answers: { 200: z.strictObject({ executions: z.array(executionBody), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const { agent_id: agentId, vm_context_id: vmContextId, command_id: commandId, ...rest } = query;
    const page = await listExecutions(context, caller.actor, { agentId, vmContextId, commandId, ...rest });
    return { status: 200, body: { executions: page.rows.map((row) => tell(context, row)), ...pageBody(page) } };
  },
});

const execution = endpoint({
  method: "get",
  path: "/api/v1/executions/{run_id}",
  tag: "executions",
  summary: "One run",
  action: "executions.read",
  params: z.strictObject({ run_id: recordId }),
  answers: { 200: executionBody },
  handle: async (context, { params: { run_id }, caller }) => ({
    status: 200,
    body: tell(context, await getExecution(context, caller.actor, run_id)),
  }),
});

const verifications = endpoint({
  method: "get",
  path: "/api/v1/verifications",
  tag: "verifications",
  summary: "Verifications, newest first",
  action: "verifications.read",
  query: z.strictObject({
    agent_id: agentInQuery,
    backup_id: backupId.optional(),
    status: z.enum(["passed", "failed", "error", "skipped"]).optional(),
    ...paging,
  }),
  answers: { 200: z.strictObject({ verifications: z.array(verificationBody), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const { agent_id: agentId, backup_id, ...rest } = query;
    const page = await listVerifications(context, caller.actor, { agentId, backupId: backup_id, ...rest });
    return { status: 200, body: { verifications: page.rows.map(toVerification), ...pageBody(page) } };
  },
});

const verification = endpoint({
  method: "get",
  path: "/api/v1/verifications/{verification_id}",
  tag: "verifications",
  summary: "One verification",
  action: "verifications.read",
  params: z.strictObject({ verification_id: recordId }),
  answers: { 200: verificationBody },
  handle: async (context, { params: { verification_id }, caller }) => ({
    status: 200,
    body: toVerification(await getVerification(context, caller.actor, verification_id)),
  }),
});

const drills = endpoint({
  method: "get",
  path: "/api/v1/drills",
  tag: "drills",
  summary: "Restore drills, newest first",
  action: "drills.read",
  query: z.strictObject({
    agent_id: agentInQuery,
    backup_id: backupId.optional(),
    status: z.enum(["passed", "failed", "inconclusive", "skipped"]).optional(),
    ...paging,
  }),
  answers: { 200: z.strictObject({ drills: z.array(drillBody), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const { agent_id: agentId, backup_id, ...rest } = query;
    const page = await listDrills(context, caller.actor, { agentId, backupId: backup_id, ...rest });
    return { status: 200, body: { drills: page.rows.map(toDrill), ...pageBody(page) } };
  },
});

const drill = endpoint({
  method: "get",
  path: "/api/v1/drills/{drill_id}",
  tag: "drills",
  summary: "One restore drill",
  action: "drills.read",
  params: z.strictObject({ drill_id: recordId }),
  answers: { 200: drillBody },
  handle: async (context, { params: { drill_id }, caller }) => ({
    status: 200,
    body: toDrill(await getDrill(context, caller.actor, drill_id)),
  }),
});

export const historyRoutes: readonly Endpoint[] = [executions, execution, verifications, verification, drills, drill];
