import { itemEntry, pathId, uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { changeItem, createItem, removeItem } from "../../services/items/define.ts";
import { getItem, listItems } from "../../services/items/list.ts";
import { agentInQuery, pageBody, pageFields, paging } from "../answers/common.ts";
import { itemBody, toItem } from "../answers/item.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = "items";
const params = z.strictObject({ vm_context_id: pathId });
const which = z.strictObject({ agent_id: agentInQuery });

const list = endpoint({
  method: "get",
  path: "/api/v1/items",
  tag,
  summary: "What is protected",
  action: "items.read",
  query: z.strictObject({
    agent_id: agentInQuery,
    vm_name: z.string().max(200).optional(),
    repository_id: pathId.optional(),
    ...paging,
  }),
  answers: { 200: z.strictObject({ items: z.array(itemBody), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const { agent_id: agentId, vm_name: vmName, repository_id: repositoryId, limit, cursor } = query;
    const page = await listItems(context, caller.actor, { agentId, vmName, repositoryId, limit, cursor });
    return { status: 200, body: { items: page.rows.map(toItem), ...pageBody(page) } };
  },
});

const get = endpoint({
  method: "get",
  path: "/api/v1/items/{vm_context_id}",
  tag,
  summary: "One item",
  action: "items.read",
  params,
  query: which,
  answers: { 200: itemBody },
  refusals: ["AMBIGUOUS"],
  handle: async (context, { params: { vm_context_id: vmContextId }, query, caller }) => {
    const row = await getItem(context, caller.actor, { vmContextId, agentId: query.agent_id });
    return { status: 200, body: toItem(row) };
  },
});

const create = endpoint({
  method: "post",
  path: "/api/v1/items",
  tag,
  summary: "Protect a VM's disks",
  description: "The sources must lie inside roots that the host's own configuration allows; the agent refuses others.",
  action: "items.create",
  body: itemEntry.extend({ agent_id: uuid }),
  answers: { 201: itemBody },
  refusals: ["NOT_FOUND", "CONFLICT", "AGENT_REVOKED", "CANNOT_BE_DONE"],
  handle: async (context, { body: { agent_id, ...entry }, caller }) => {
    const row = await createItem(context, caller, agent_id, entry);
    return { status: 201, body: toItem(row) };
  },
});

const change = endpoint({
  method: "put",
  path: "/api/v1/items/{vm_context_id}",
  tag,
  summary: "Replace what an item is",
  action: "items.change",
  params,
  query: which,
  body: itemEntry.omit({ vm_context_id: true }),
  answers: { 200: itemBody },
  refusals: ["AMBIGUOUS", "PROTECTED", "AGENT_REVOKED", "CANNOT_BE_DONE"],
  handle: async (context, { params: { vm_context_id: vmContextId }, query, body, caller }) => {
    const row = await changeItem(context, caller, { vmContextId, agentId: query.agent_id }, body);
    return { status: 200, body: toItem(row) };
  },
});

const remove = endpoint({
  method: "delete",
  path: "/api/v1/items/{vm_context_id}",
  tag,
  summary: "End an item's protection; its backups stay",
  action: "items.remove",
  params,
  query: which,
  answers: { 200: itemBody },
  refusals: ["AMBIGUOUS", "PROTECTED", "AGENT_REVOKED"],
  handle: async (context, { params: { vm_context_id: vmContextId }, query, caller }) => {
    const row = await removeItem(context, caller, { vmContextId, agentId: query.agent_id });
    return { status: 200, body: toItem(row) };
  },
});

export const itemRoutes: readonly Endpoint[] = [list, create, get, change, remove];
