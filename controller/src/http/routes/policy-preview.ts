import { pathId, uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { soundPolicy } from "../../domain/policy/check.ts";
import { policyBody } from "../../domain/policy/policy-body.ts";
import { ControllerError, type FieldProblem } from "../../errors.ts";
import { unknownRoutes } from "../../services/policies/known-routes.ts";
import { previewPolicy } from "../../services/policies/preview.ts";
import { previewRetention } from "../../services/retention/preview.ts";
import { time } from "../answers/common.ts";
import { previewBody, toPreview } from "../answers/policy-preview.ts";
import { endpoint } from "../endpoint.ts";
import { checkInput } from "../input.ts";

const tag = "policies";
const sound = soundPolicy(policyBody);
const naming = policyBody.pick({ route_ids: true });
const MOST_BYTES = 4 * 1_048_576;

export const checkRoute = endpoint({
  method: "post",
  path: "/api/v1/policies/check",
  tag,
  summary: "Everything that is wrong with a policy",
  description: "What POST and PUT would refuse it for; paths are those of the policy itself. Nothing is stored.",
  action: "policies.read",
  body: z.strictObject({ policy: z.record(z.string(), z.unknown()) }),
  answers: { 200: z.strictObject({ problems: z.array(z.strictObject({ path: z.string(), message: z.string() })) }) },
  maxBodyBytes: MOST_BYTES,
  handle: async (context, { body: { policy } }) => {
    const named = naming.strip().safeParse(policy);
    const routes = named.success ? await context.store.read((db) => unknownRoutes(db, named.data)) : [];
    return { status: 200, body: { problems: [...problemsOf(policy), ...routes] } };
  },
});

function problemsOf(policy: unknown): FieldProblem[] {
  try {
    checkInput([{ schema: sound, value: policy }]);
    return [];
  } catch (error) {
    if (error instanceof ControllerError && error.fields !== undefined) return error.fields;
    throw error;
  }
}

export const previewRoute = endpoint({
  method: "post",
  path: "/api/v1/policies/preview",
  tag,
  summary: "The next runs of a policy, the items it would have, and what it would remove",
  description:
    "Of `policy` as it is given, or of the stored one that `policy_id` names; with both, of that one changed so. With `agent_id` and `vm_context_id` it is exactly what that host would run. Nothing is stored.",
  action: "policies.read",
  body: z.strictObject({
    policy: sound.optional(),
    policy_id: uuid.optional(),
    runs: z.number().int().min(1).max(1000).default(10),
    from: time
      .transform((text) => new Date(text))
      .optional()
      .openapi({ type: "string", format: "date-time", description: "Default: now." }),
    agent_id: uuid.optional(),
    vm_context_id: pathId.optional(),
  }),
  answers: { 200: previewBody },
  refusals: ["NOT_FOUND", "CANNOT_BE_DONE"],
  maxBodyBytes: MOST_BYTES,
  handle: async (context, { body, caller }) => {
    const { policy, policy_id: policyId, runs, from, agent_id: agentId, vm_context_id: vmContextId } = body;
    const request = { body: policy, policyId, runs, from, agentId, vmContextId };
    const preview = await previewPolicy(context, caller.actor, request);
    const question = { policyId: policyId ?? null, body: policy ?? null, agentId, vmContextId };
    return { status: 200, body: toPreview(preview, await previewRetention(context, caller.actor, question)) };
  },
});
