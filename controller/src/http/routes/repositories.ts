import { pathId, repositoryEntry, uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { changeRepository, createRepository, removeRepository } from "../../services/repositories/define.ts";
import { getRepository, listRepositories } from "../../services/repositories/find.ts";
import { agentInQuery, pageBody, pageFields, paging } from "../answers/common.ts";
import { repositoryBody, toRepository } from "../answers/item.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = "repositories";
const params = z.strictObject({ repository_id: pathId });
const which = z.strictObject({ agent_id: agentInQuery });

const list = endpoint({
  method: "get",
  path: "/api/v1/repositories",
  tag,
  summary: "Where backups go",
  action: "repositories.read",
  query: z.strictObject({
    agent_id: agentInQuery,
    ...paging,
  }),
  answers: { 200: z.strictObject({ repositories: z.array(repositoryBody), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const { agent_id: agentId, limit, cursor } = query;
    const page = await listRepositories(context, caller.actor, { agentId, limit, cursor });
    return { status: 200, body: { repositories: page.rows.map(toRepository), ...pageBody(page) } };
  },
});

const get = endpoint({
  method: "get",
  path: "/api/v1/repositories/{repository_id}",
  tag,
  summary: "One repository",
  action: "repositories.read",
  params,
  query: which,
  answers: { 200: repositoryBody },
  refusals: ["AMBIGUOUS"],
  handle: async (context, { params: { repository_id: repositoryId }, query, caller }) => {
    const row = await getRepository(context, caller.actor, { repositoryId, agentId: query.agent_id });
    return { status: 200, body: toRepository(row) };
  },
});

const create = endpoint({
  method: "post",
  path: "/api/v1/repositories",
  tag,
  summary: "Tell an agent of a repository",
  description:
    "The path must lie inside the `repository_roots` of the host's own configuration; the agent refuses others.",
  action: "repositories.create",
  body: repositoryEntry.extend({ agent_id: uuid }),
  answers: { 201: repositoryBody },
  refusals: ["NOT_FOUND", "CONFLICT", "AGENT_REVOKED", "CANNOT_BE_DONE"],
  handle: async (context, { body: { agent_id, ...entry }, caller }) => {
    const row = await createRepository(context, caller, agent_id, entry);
    return { status: 201, body: toRepository(row) };
  },
});

const change = endpoint({
  method: "put",
  path: "/api/v1/repositories/{repository_id}",
  tag,
  summary: "Replace what a repository is",
  action: "repositories.change",
  params,
  query: which,
  body: repositoryEntry.omit({ repository_id: true }),
  answers: { 200: repositoryBody },
  refusals: ["AMBIGUOUS", "PROTECTED", "AGENT_REVOKED", "CANNOT_BE_DONE"],
  handle: async (context, { params: { repository_id: repositoryId }, query, body, caller }) => {
    const row = await changeRepository(context, caller, { repositoryId, agentId: query.agent_id }, body);
    return { status: 200, body: toRepository(row) };
  },
});

const remove = endpoint({
  method: "delete",
  path: "/api/v1/repositories/{repository_id}",
  tag,
  summary: "Forget a repository; what lies in it stays",
  action: "repositories.remove",
  params,
  query: which,
  answers: { 200: repositoryBody },
  refusals: ["AMBIGUOUS", "HAS_DEPENDENTS", "PROTECTED", "AGENT_REVOKED"],
  handle: async (context, { params: { repository_id: repositoryId }, query, caller }) => {
    const row = await removeRepository(context, caller, { repositoryId, agentId: query.agent_id });
    return { status: 200, body: toRepository(row) };
  },
});

export const repositoryRoutes: readonly Endpoint[] = [list, create, get, change, remove];
