import { z } from "@hono/zod-openapi";
import { policyBody } from "../../domain/policy/policy-body.ts";
import type { PolicyRow } from "../../services/policies/find.ts";
import type { BindingRow, VersionRow } from "../../services/policies/list.ts";
import { count, iso, isoOrNull, time } from "./common.ts";

export const policyAnswer = policyBody
  .extend({
    policy_id: z.uuid(),
    version: count,
    created_at: time,
    created_by: z.string(),
    updated_at: time,
    updated_by: z.string(),
    retired_at: time.nullable(),
  })
  .openapi("Policy");

export function toPolicy(row: PolicyRow): z.input<typeof policyAnswer> {
  return {
    ...row.body,
    policy_id: row.policyId,
    version: row.version,
    created_at: iso(row.createdAt),
    created_by: row.createdBy,
    updated_at: iso(row.updatedAt),
    updated_by: row.updatedBy,
    retired_at: isoOrNull(row.retiredAt),
  };
}

export const versionBody = z
  .strictObject({
    version: count,
    at: time,
    author: z.string(),
    reason: z.string(),
    removal_preview: z
      .strictObject({ removes: count, keeps: count })
      .nullable()
      .openapi({ description: "What its retention would have done to the backups of that time; null: nobody looked." }),
    policy: policyBody,
  })
  .openapi("PolicyVersion");

export function toVersion({ version, at, author, reason, removals, keeps, body }: VersionRow) {
  const removal_preview = removals === null || keeps === null ? null : { removes: removals, keeps };
  return { version, at: iso(at), author, reason, removal_preview, policy: body };
}

export const policyItemBody = z
  .strictObject({
    agent_id: z.uuid(),
    vm_context_id: z.string(),
    bound_by: z.enum(["explicit", "selector"]),
    since: time,
  })
  .openapi("PolicyItem");

export function toPolicyItem({ agentId, vmContextId, boundBy, since }: BindingRow): z.input<typeof policyItemBody> {
  return { agent_id: agentId, vm_context_id: vmContextId, bound_by: boundBy, since: iso(since) };
}
