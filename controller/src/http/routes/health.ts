import { pathId, uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { agentHealth, dailyHealth, fleetHealth, itemHealth, listItemStates } from "../../services/health/list.ts";
import { taskHealth } from "../../services/health/view-task.ts";
import { agentInQuery, jobId, numberInQuery, pageBody, pageFields, paging } from "../answers/common.ts";
import {
  band,
  itemHealthBody,
  itemStateBody,
  scopeHealthBody,
  toItemHealth,
  toItemState,
  toScopeHealth,
} from "../answers/health.ts";
import { healthMetricBody, toHealthMetric } from "../answers/health-metric.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const shared = { method: "get", tag: "health", action: "health.read" } as const;

const fleet = endpoint({
  ...shared,
  path: "/api/v1/health",
  summary: "What the backups of all hosts are worth",
  answers: { 200: scopeHealthBody },
  handle: async (context, { caller }) => ({
    status: 200,
    body: toScopeHealth(await fleetHealth(context, caller.actor)),
  }),
});

const items = endpoint({
  ...shared,
  path: "/api/v1/health/items",
  summary: "What each item's backups are worth",
  description: "As it was when something of it last changed: a few seconds behind at most. One item is told as of now.",
  query: z.strictObject({
    agent_id: agentInQuery,
    band: band.optional(),
    compliant: z
      .enum(["true", "false"])
      .transform((text) => text === "true")
      .optional()
      .openapi({ type: "boolean" }),
    ...paging,
  }),
  answers: { 200: z.strictObject({ items: z.array(itemStateBody), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const { agent_id: agentId, ...rest } = query;
    const page = await listItemStates(context, caller.actor, { agentId, ...rest });
    return { status: 200, body: { items: page.rows.map(toItemState), ...pageBody(page) } };
  },
});

const item = endpoint({
  ...shared,
  path: "/api/v1/health/items/{agent_id}/{vm_context_id}",
  summary: "What one item's backups are worth, how old the newest is, and how long a restore takes",
  params: z.strictObject({ agent_id: uuid, vm_context_id: pathId }),
  answers: { 200: itemHealthBody },
  handle: async (context, { params: { agent_id: agentId, vm_context_id: vmContextId }, caller }) => {
    const view = await itemHealth(context, caller.actor, { agentId, vmContextId });
    return { status: 200, body: toItemHealth(view) };
  },
});

const agent = endpoint({
  ...shared,
  path: "/api/v1/health/agents/{agent_id}",
  summary: "What one host's backups are worth",
  params: z.strictObject({ agent_id: uuid }),
  answers: { 200: scopeHealthBody },
  handle: async (context, { params: { agent_id: agentId }, caller }) => ({
    status: 200,
    body: toScopeHealth(await agentHealth(context, caller.actor, agentId)),
  }),
});

const task = endpoint({
  ...shared,
  path: "/api/v1/health/aomei/{id}",
  summary: "What the backups of a task of AOMEI Backupper are worth",
  description: "Nothing of it can be verified or drilled here, so it is never proven.",
  params: z.strictObject({ id: jobId }),
  answers: { 200: itemHealthBody },
  refusals: ["JOB_NOT_FOUND"],
  handle: async (context, { params: { id }, caller }) => ({
    status: 200,
    body: toItemHealth(await taskHealth(context, caller.actor, id)),
  }),
});

const daily = endpoint({
  ...shared,
  path: "/api/v1/health/daily",
  summary: "The figures of each day, oldest first",
  description: "Days are UTC's. A day on which nothing is known is left out.",
  query: z
    .strictObject({
      scope: z.enum(["fleet", "agent", "item", "aomei"]).default("fleet"),
      id: z.string().min(1).max(200).optional().openapi({
        description:
          "An agent's id, `<agent_id>/<vm_context_id>` of an item, an AOMEI job's number; not for the fleet.",
      }),
      days: numberInQuery(1, 1200).default(30),
    })
    .superRefine(({ scope, id }, problems) => {
      if ((scope === "fleet") !== (id === undefined))
        problems.addIssue({
          code: "custom",
          path: ["id"],
          message: scope === "fleet" ? "the fleet has none" : "is missing",
        });
    }),
  answers: { 200: z.strictObject({ metrics: z.array(healthMetricBody) }) },
  refusals: ["NOT_FOUND", "JOB_NOT_FOUND"],
  handle: async (context, { query, caller }) => {
    const { scope, id, days } = query;
    const rows = await dailyHealth(context, caller.actor, { scope, id, days });
    return { status: 200, body: { metrics: rows.map(toHealthMetric) } };
  },
});

export const healthRoutes: readonly Endpoint[] = [fleet, items, item, agent, task, daily];
