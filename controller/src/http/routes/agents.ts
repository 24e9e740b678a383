import { uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { changeAgent } from "../../services/agents/change.ts";
import { listGaps } from "../../services/agents/gaps.ts";
import { getAgent, listAgents } from "../../services/agents/list.ts";
import { revokeAgent } from "../../services/certificates/revoke-agent.ts";
import { type AgentNow, agentBody, gapBody, toAgent, toGap } from "../answers/agent.ts";
import { labels, pageBody, pageFields, paging } from "../answers/common.ts";
import type { ApiContext } from "../context.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = "agents";
const params = z.strictObject({ agent_id: uuid });

function stateNow({ links, presence }: ApiContext, agentId: string): AgentNow {
  return { connected: links.isConnected(agentId), seenAt: presence.of(agentId)?.lastSeenAt };
}

const list = endpoint({
  method: "get",
  path: "/api/v1/agents",
  tag,
  summary: "The hosts",
  action: "agents.read",
  query: z.strictObject({
    state: z.enum(["enrolled", "revoked"]).optional(),
    hostname: z.string().max(255).optional(),
    ...paging,
  }),
  answers: { 200: z.strictObject({ agents: z.array(agentBody), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const page = await listAgents(context, caller.actor, query);
    const agents = page.rows.map((row) => toAgent(row, stateNow(context, row.agentId)));
    return { status: 200, body: { agents, ...pageBody(page) } };
  },
});

const get = endpoint({
  method: "get",
  path: "/api/v1/agents/{agent_id}",
  tag,
  summary: "One host",
  action: "agents.read",
  params,
  answers: { 200: agentBody },
  handle: async (context, { params: { agent_id }, caller }) => {
    const row = await getAgent(context, caller.actor, agent_id);
    return { status: 200, body: toAgent(row, stateNow(context, agent_id)) };
  },
});

const gaps = endpoint({
  method: "get",
  path: "/api/v1/agents/{agent_id}/gaps",
  tag,
  summary: "What the host told and this controller can never get as it was told",
  description:
    "After a restore of either side from an older copy. What the events were about is told again from what lies on the host.",
  action: "agents.read",
  params,
  query: z.strictObject(paging),
  answers: { 200: z.strictObject({ gaps: z.array(gapBody), ...pageFields }) },
  handle: async (context, { params: { agent_id: agentId }, query, caller }) => {
    const page = await listGaps(context, caller.actor, { agentId, ...query });
    return { status: 200, body: { gaps: page.rows.map(toGap), ...pageBody(page) } };
  },
});

const change = endpoint({
  method: "patch",
  path: "/api/v1/agents/{agent_id}",
  tag,
  summary: "Rename a host, label it, or say how long it may be away",
  action: "agents.change",
  params,
  body: z.strictObject({
    name: z.string().trim().min(1).max(200).optional(),
    labels: labels.optional(),
    offline_after_seconds: z
      .number()
      .int()
      .min(10)
      .max(31_622_400)
      .nullable()
      .optional()
      .openapi({ description: "Away for longer it is offline, which is an alert; null: after 15 minutes." }),
  }),
  answers: { 200: agentBody },
  handle: async (context, { params: { agent_id }, body, caller }) => {
    const { offline_after_seconds: offlineAfterSeconds, ...change } = body;
    const row = await changeAgent(context, caller, agent_id, { ...change, offlineAfterSeconds });
    return { status: 200, body: toAgent(row, stateNow(context, agent_id)) };
  },
});

const revoke = endpoint({
  method: "post",
  path: "/api/v1/agents/{agent_id}/revoke",
  tag,
  summary: "End a host's right to connect, for good",
  description: "Its certificates are refused from now on and its connection ends at once. What it told stays.",
  action: "agents.revoke",
  params,
  body: z.strictObject({ reason: z.string().trim().max(500).default("revoked by a person") }),
  answers: { 200: agentBody },
  handle: async (context, { params: { agent_id: agentId }, body: { reason }, caller }) => {
    const { disconnect } = await revokeAgent(context, caller, { agentId, reason });
    context.links.disconnect(disconnect, {
      code: "AGENT_REVOKED",
      message: "this agent was revoked",
      retryAfterSeconds: null,
    });
    const row = await getAgent(context, caller.actor, agentId);
    return { status: 200, body: toAgent(row, stateNow(context, agentId)) };
  },
});

export const agentRoutes: readonly Endpoint[] = [list, get, gaps, change, revoke];
