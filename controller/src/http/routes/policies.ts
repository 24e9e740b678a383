import { uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { soundPolicy } from "../../domain/policy/check.ts";
import { policyBody } from "../../domain/policy/policy-body.ts";
import { getPolicy, listPolicies, listPolicyItems, listPolicyVersions } from "../../services/policies/list.ts";
import { changePolicy, createPolicy, retirePolicy } from "../../services/policies/write-policy.ts";
import { agentInQuery, count, pageBody, pageFields, paging } from "../answers/common.ts";
import { policyAnswer, policyItemBody, toPolicy, toPolicyItem, toVersion, versionBody } from "../answers/policy.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";
import { checkRoute, previewRoute } from "./policy-preview.ts";

const tag = "policies";
const params = z.strictObject({ policy_id: uuid });
const reason = z.string().trim().max(500).default("").openapi({ description: "Why; kept with the version." });
/** Thousands of items, each by its ids. */
const MOST_BYTES = 4 * 1_048_576;

const list = endpoint({
  method: "get",
  path: "/api/v1/policies",
  tag,
  summary: "What is to be run, kept and proven",
  action: "policies.read",
  query: z.strictObject({
    enabled: z
      .enum(["true", "false"])
      .transform((text) => text === "true")
      .optional(),
    ...paging,
  }),
  answers: { 200: z.strictObject({ policies: z.array(policyAnswer), ...pageFields }) },
  handle: async (context, { query, caller }) => {
    const page = await listPolicies(context, caller.actor, query);
    return { status: 200, body: { policies: page.rows.map(toPolicy), ...pageBody(page) } };
  },
});

const get = endpoint({
  method: "get",
  path: "/api/v1/policies/{policy_id}",
  tag,
  summary: "One policy; also one that was retired",
  action: "policies.read",
  params,
  answers: { 200: policyAnswer },
  handle: async (context, { params: { policy_id }, caller }) => {
    return { status: 200, body: toPolicy(await getPolicy(context, caller.actor, policy_id)) };
  },
});

const create = endpoint({
  method: "post",
  path: "/api/v1/policies",
  tag,
  summary: "Make a policy",
  description:
    "Its items are those it names and those whose hosts its selector matches. Each item has one policy: one that names it goes before one that selects it; then the higher priority decides, then who is older. The hosts are told at once, or when they come.",
  action: "policies.change",
  body: soundPolicy(policyBody.extend({ reason })),
  answers: { 201: policyAnswer },
  refusals: ["CONFLICT"],
  maxBodyBytes: MOST_BYTES,
  handle: async (context, { body: { reason: why, ...body }, caller }) => {
    const row = await createPolicy(context, caller, { body, reason: why });
    return { status: 201, body: toPolicy(row) };
  },
});

const change = endpoint({
  method: "put",
  path: "/api/v1/policies/{policy_id}",
  tag,
  summary: "Replace what a policy says",
  description: "`version` is the one that was read: when somebody else changed the policy meanwhile, nothing changes.",
  action: "policies.change",
  params,
  body: soundPolicy(policyBody.extend({ version: count, reason })),
  answers: { 200: policyAnswer },
  refusals: ["NOT_FOUND", "CONFLICT"],
  maxBodyBytes: MOST_BYTES,
  handle: async (context, { params: { policy_id }, body: { version, reason: why, ...body }, caller }) => {
    const wish = { body, version, reason: why };
    return { status: 200, body: toPolicy(await changePolicy(context, caller, policy_id, wish)) };
  },
});

const retire = endpoint({
  method: "delete",
  path: "/api/v1/policies/{policy_id}",
  tag,
  summary: "End a policy for good",
  description: "Its items go to whichever policy is next, or have none; what it was stays readable.",
  action: "policies.change",
  params,
  answers: { 200: policyAnswer },
  refusals: ["NOT_FOUND", "CONFLICT"],
  handle: async (context, { params: { policy_id }, caller }) => {
    return { status: 200, body: toPolicy(await retirePolicy(context, caller, policy_id)) };
  },
});

const versions = endpoint({
  method: "get",
  path: "/api/v1/policies/{policy_id}/versions",
  tag,
  summary: "What a policy said before, by whom it was changed and why",
  action: "policies.read",
  params,
  query: z.strictObject({ ...paging }),
  answers: { 200: z.strictObject({ versions: z.array(versionBody), ...pageFields }) },
  handle: async (context, { params: { policy_id: policyId }, query, caller }) => {
    const page = await listPolicyVersions(context, caller.actor, { ...query, policyId });
    return { status: 200, body: { versions: page.rows.map(toVersion), ...pageBody(page) } };
  },
});

const items = endpoint({
  method: "get",
  path: "/api/v1/policies/{policy_id}/items",
  tag,
  summary: "The items that have this policy now",
  action: "policies.read",
  params,
  query: z.strictObject({ agent_id: agentInQuery, ...paging }),
  answers: { 200: z.strictObject({ items: z.array(policyItemBody), ...pageFields }) },
  handle: async (context, { params: { policy_id: policyId }, query: { agent_id: agentId, ...page }, caller }) => {
    const found = await listPolicyItems(context, caller.actor, { ...page, policyId, agentId });
    return { status: 200, body: { items: found.rows.map(toPolicyItem), ...pageBody(found) } };
  },
});

export const policyRoutes: readonly Endpoint[] = [
  ...[list, create, checkRoute, previewRoute, get],
  ...[change, retire, versions, items],
];
