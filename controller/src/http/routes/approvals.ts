import { uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { approveCommand, rejectCommand } from "../../services/approvals/decide.ts";
import { listApprovals } from "../../services/approvals/list.ts";
import type { CommandRow } from "../../services/commands/command-row.ts";
import { listKinds } from "../../services/commands/kinds.ts";
import { commandBody, toCommand } from "../answers/command.ts";
import { agentInQuery, pageBody, pageFields, paging } from "../answers/common.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = "commands";
const params = z.strictObject({ command_id: uuid });
const reason = z.string().trim().min(1).max(500);

const kinds = endpoint({
  method: "get",
  path: "/api/v1/commands/kinds",
  tag,
  summary: "What agents can be asked for",
  action: "commands.read",
  answers: {
    200: z.strictObject({
      kinds: z.array(
        z.strictObject({
          kind: z.string(),
          scope: z.string(),
          destructive: z.boolean(),
          second_person: z.boolean().openapi({ description: "Sent once another person has approved it." }),
          endpoint: z.string(),
        }),
      ),
    }),
  },
  handle: async (context) => {
    const known = await listKinds(context);
    return {
      status: 200,
      body: { kinds: known.map(({ secondPerson, ...kind }) => ({ ...kind, second_person: secondPerson })) },
    };
  },
});

const list = endpoint({
  method: "get",
  path: "/api/v1/commands/approvals",
  tag,
  summary: "Commands that wait for a second person, or did, newest first",
  action: "commands.read",
  query: z.strictObject({
    agent_id: agentInQuery,
    state: z.enum(["needed", "approved", "rejected"]).default("needed"),
    ...paging,
  }),
  answers: { 200: z.strictObject({ commands: z.array(commandBody), ...pageFields }) },
  handle: async (context, { query: { agent_id: agentId, ...rest }, caller }) => {
    const page = await listApprovals(context, caller.actor, { agentId, ...rest });
    return { status: 200, body: { commands: page.rows.map(toCommand), ...pageBody(page) } };
  },
});

const approve = endpoint({
  method: "post",
  path: "/api/v1/commands/{command_id}/approve",
  tag,
  summary: "Let a command go to its agent, as the second person",
  description:
    "Another credential than the one that asked for it (or was rotated from it, or made by it since); before its deadline.",
  action: "commands.approve",
  params,
  body: z.strictObject({ reason: reason.optional() }),
  answers: { 202: commandBody },
  refusals: ["CONFLICT", "PROTECTED"],
  handle: async (context, { params: { command_id: commandId }, body, caller }) => {
    const row: CommandRow = await approveCommand(context, caller, { commandId, reason: body.reason ?? "" });
    return { status: 202, body: toCommand(row) };
  },
});

const reject = endpoint({
  method: "post",
  path: "/api/v1/commands/{command_id}/reject",
  tag,
  summary: "End a command that waits for a second person",
  action: "commands.approve",
  params,
  body: z.strictObject({ reason }),
  answers: { 200: commandBody },
  refusals: ["CONFLICT"],
  handle: async (context, { params: { command_id: commandId }, body, caller }) => ({
    status: 200,
    body: toCommand(await rejectCommand(context, caller, { commandId, reason: body.reason })),
  }),
});

export const approvalRoutes: readonly Endpoint[] = [kinds, list, approve, reject];
