import { pathId, uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { policyBody } from "../../domain/policy/policy-body.ts";
import { askForRetention } from "../../services/retention/ask.ts";
import { approvePlan, rejectPlan } from "../../services/retention/decide-plan.ts";
import { getPlan, listMarks, listPlans } from "../../services/retention/list.ts";
import { previewRetention } from "../../services/retention/preview.ts";
import { agentInQuery, pageBody, pageFields, paging } from "../answers/common.ts";
import { markBody, planBody, planState, previewBody, toMark, toPlan, toPreview } from "../answers/retention.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = "retention";
const params = z.strictObject({ plan_id: uuid });
const reason = z.string().trim().min(1).max(500);
const which = { agent_id: agentInQuery, vm_context_id: pathId.optional() };

const preview = endpoint({
  method: "post",
  path: "/api/v1/retention/preview",
  tag,
  summary: "What would be removed now, what stays, and why",
  description:
    "Exactly what retention would do, and nothing is done. Of a policy, of one as it would be with `policy` as its body, " +
    "or of what is in force for an item.",
  action: "retention.read",
  body: z.strictObject({
    policy_id: uuid.nullable().default(null),
    policy: policyBody.nullable().default(null),
    agent_id: uuid.optional(),
    vm_context_id: pathId.optional(),
  }),
  answers: { 200: previewBody },
  refusals: ["NOT_FOUND", "CANNOT_BE_DONE"],
  handle: async (context, { body, caller }) => {
    const { policy_id: policyId, policy, agent_id: agentId, vm_context_id: vmContextId } = body;
    const found = await previewRetention(context, caller.actor, { policyId, body: policy, agentId, vmContextId });
    return { status: 200, body: toPreview(found) };
  },
});

const apply = endpoint({
  method: "post",
  path: "/api/v1/retention/apply",
  tag,
  summary: "Have retention look at an item now",
  description:
    "200 with `plan` null: nothing is to go. 202 with the plan: under way, waiting for its host, or waiting for a person.",
  action: "retention.apply",
  body: z.strictObject({ agent_id: uuid, vm_context_id: pathId }),
  answers: { 200: z.strictObject({ plan: z.null() }), 202: z.strictObject({ plan: planBody }) },
  refusals: ["NOT_FOUND", "AGENT_REVOKED", "CANNOT_BE_DONE"],
  handle: async (context, { body: { agent_id: agentId, vm_context_id: vmContextId }, caller }) => {
    const plan = await askForRetention(context, caller, { agentId, vmContextId });
    return plan === null ? { status: 200, body: { plan: null } } : { status: 202, body: { plan: toPlan(plan) } };
  },
});

const plans = endpoint({
  method: "get",
  path: "/api/v1/retention/plans",
  tag,
  summary: "Plans that removed, or would remove, something, newest first",
  action: "retention.read",
  query: z.strictObject({ ...which, state: planState.optional(), ...paging }),
  answers: { 200: z.strictObject({ plans: z.array(planBody), ...pageFields }) },
  handle: async (context, { query: { agent_id: agentId, vm_context_id: vmContextId, ...rest }, caller }) => {
    const page = await listPlans(context, caller.actor, { agentId, vmContextId, ...rest });
    return { status: 200, body: { plans: page.rows.map(toPlan), ...pageBody(page) } };
  },
});

const plan = endpoint({
  method: "get",
  path: "/api/v1/retention/plans/{plan_id}",
  tag,
  summary: "One plan",
  action: "retention.read",
  params,
  answers: { 200: planBody },
  handle: async (context, { params: { plan_id }, caller }) => ({
    status: 200,
    body: toPlan(await getPlan(context, caller.actor, plan_id)),
  }),
});

const approve = endpoint({
  method: "post",
  path: "/api/v1/retention/plans/{plan_id}/approve",
  tag,
  summary: "Let a waiting plan be carried out",
  description: "Of what it names, that goes which is still to go then; its host is waited for.",
  action: "retention.apply",
  params,
  body: z.strictObject({ reason }),
  answers: { 202: planBody },
  refusals: ["CONFLICT"],
  handle: async (context, { params: { plan_id: planId }, body, caller }) => ({
    status: 202,
    body: toPlan(await approvePlan(context, caller, { planId, reason: body.reason })),
  }),
});

const reject = endpoint({
  method: "post",
  path: "/api/v1/retention/plans/{plan_id}/reject",
  tag,
  summary: "Keep what a waiting plan would remove",
  description: "As long as this version of the policy holds.",
  action: "retention.apply",
  params,
  body: z.strictObject({ reason }),
  answers: { 200: planBody },
  refusals: ["CONFLICT"],
  handle: async (context, { params: { plan_id: planId }, body, caller }) => ({
    status: 200,
    body: toPlan(await rejectPlan(context, caller, { planId, reason: body.reason })),
  }),
});

const marks = endpoint({
  method: "get",
  path: "/api/v1/retention/marks",
  tag,
  summary: "What was last decided about each backup, and why",
  action: "retention.read",
  query: z.strictObject({
    ...which,
    mark: z.enum(["keep", "keep_as_parent", "merge", "remove"]).optional(),
    ...paging,
  }),
  answers: { 200: z.strictObject({ marks: z.array(markBody), ...pageFields }) },
  handle: async (context, { query: { agent_id: agentId, vm_context_id: vmContextId, ...rest }, caller }) => {
    const page = await listMarks(context, caller.actor, { agentId, vmContextId, ...rest });
    return { status: 200, body: { marks: page.rows.map(toMark), ...pageBody(page) } };
  },
});

export const retentionRoutes: readonly Endpoint[] = [preview, apply, plans, plan, approve, reject, marks];
