import { commandState, uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { KNOWN_KINDS } from "../../domain/command-kinds.ts";
import { cancelBackupCommand, commandAgent, PLAIN_KINDS, refuseKind } from "../../services/agents/command.ts";
import { endCommand, getCommand, listCommands } from "../../services/commands/list.ts";
import { commandBody, toCommand } from "../answers/command.ts";
import { agentInQuery, pageBody, pageFields, paging } from "../answers/common.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";
import { readIdempotencyKey } from "../idempotency-key.ts";

const tag = "commands";
const params = z.strictObject({ command_id: uuid });

const list = endpoint({
  method: "get",
  path: "/api/v1/commands",
  tag,
  summary: "What agents were asked to do, newest first",
  action: "commands.read",
  query: z.strictObject({
    agent_id: agentInQuery,
    kind: z.string().max(64).optional(),
    state: commandState.optional(),
    ...paging,
  }),
  answers: { 200: z.strictObject({ commands: z.array(commandBody), ...pageFields }) },
  handle: async (context, { query: { agent_id: agentId, ...rest }, caller }) => {
    const page = await listCommands(context, caller.actor, { agentId, ...rest });
    return { status: 200, body: { commands: page.rows.map(toCommand), ...pageBody(page) } };
  },
});

const get = endpoint({
  method: "get",
  path: "/api/v1/commands/{command_id}",
  tag,
  summary: "One command",
  action: "commands.read",
  params,
  answers: { 200: commandBody },
  handle: async (context, { params: { command_id }, caller }) => ({
    status: 200,
    body: toCommand(await getCommand(context, caller.actor, command_id)),
  }),
});

const create = endpoint({
  method: "post",
  path: "/api/v1/commands",
  tag,
  summary: "Ask something of an agent itself",
  description:
    "Backups, verifications, drills, pins and removals have endpoints of their own, which check what a command cannot.",
  action: "commands.create",
  body: z.strictObject({
    agent_id: uuid,
    kind: z
      .enum(KNOWN_KINDS)
      .openapi({ description: "`GET /api/v1/commands/kinds` tells which are offered, and where." }),
    command_id: uuid
      .optional()
      .openapi({ description: "Of `backup.cancel`: the command that the backup was asked for with." }),
    reason: z.string().max(500).default(""),
    deadline: z.iso.datetime({ offset: true }).nullable().default(null),
  }),
  answers: { 202: commandBody },
  refusals: ["NOT_FOUND", "AGENT_REVOKED", "CONFLICT", "NOT_AVAILABLE"],
  handle: async (context, { body, caller, header }) => {
    const { agent_id: agentId, kind: asked, reason, command_id: commandId } = body;
    if (asked === "backup.cancel")
      return { status: 202, body: toCommand(await cancelBackupCommand(context, caller, { agentId, commandId })) };
    const kind = PLAIN_KINDS.find((plain) => plain === asked) ?? refuseKind(asked);
    const deadline = body.deadline === null ? null : new Date(body.deadline);
    const input = { agentId, kind, reason, deadline, idempotencyKey: readIdempotencyKey(header) };
    return { status: 202, body: toCommand(await commandAgent(context, caller, input)) };
  },
});

const cancel = endpoint({
  method: "post",
  path: "/api/v1/commands/{command_id}/cancel",
  tag,
  summary: "End a command",
  description: "At once when it was never sent; otherwise its agent is asked to, and `state` tells when it has.",
  action: "commands.cancel",
  params,
  answers: { 202: commandBody },
  refusals: ["CONFLICT"],
  handle: async (context, { params: { command_id }, caller }) => ({
    status: 202,
    body: toCommand(await endCommand(context, caller, command_id)),
  }),
});

export const commandRoutes: readonly Endpoint[] = [list, create, get, cancel];
