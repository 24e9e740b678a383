import { pathId, uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import type { CopyChange } from "../../domain/compliance/what-if.ts";
import { complianceIf, complianceOf, itemCompliance } from "../../services/compliance/item-compliance.ts";
import { describeRepository, repositoryTraits } from "../../services/compliance/traits.ts";
import { taskHealth } from "../../services/health/view-task.ts";
import { jobId } from "../answers/common.ts";
import { complianceBody, copyChange, toCompliance, toTraits, traitsBody, traitsInput } from "../answers/compliance.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = "compliance";
const params = z.strictObject({ agent_id: uuid, vm_context_id: pathId });
const changesBody = z.strictObject({ changes: z.array(copyChange).max(50) });
const place = z.strictObject({ agent_id: uuid, repository_id: pathId });

const get = endpoint({
  method: "get",
  path: "/api/v1/compliance/{agent_id}/{vm_context_id}",
  tag,
  summary: "3-2-1-1-0 of one item: each digit with its evidence and the moment it stops being true",
  description:
    "A copy counts while its newest good restore point is not older than its age limit and nothing has shown it to be bad. `errors` holds only when the newest verification and the newest restore drill of each copy passed, not too long ago.",
  action: "compliance.read",
  params,
  answers: { 200: complianceBody },
  handle: async (context, { params: { agent_id: agentId, vm_context_id: vmContextId }, caller }) => {
    const view = await itemCompliance(context, caller.actor, { agentId, vmContextId });
    return { status: 200, body: toCompliance(view) };
  },
});

const tryOut = endpoint({
  method: "post",
  path: "/api/v1/compliance/{agent_id}/{vm_context_id}/what-if",
  tag,
  summary: "What 3-2-1-1-0 would say if copies were added, removed, kept elsewhere or grew old; nothing is changed",
  description: "`add`: a copy that is made and proven now. `age`: as if so many days went by without anything new.",
  action: "compliance.read",
  params,
  body: changesBody,
  answers: { 200: complianceBody },
  handle: async (context, { params: { agent_id: agentId, vm_context_id: vmContextId }, body, caller }) => {
    const changes = body.changes.map(toChange);
    const view = await complianceIf(context, caller.actor, { ref: { agentId, vmContextId }, changes });
    return { status: 200, body: toCompliance(view) };
  },
});

function toChange(told: z.output<typeof copyChange>): CopyChange {
  if (told.change === "remove") return told;
  if (told.change === "age") return { change: "age", copy: told.copy ?? null, days: told.days };
  const { copy, media, off_site: offSite, offline, immutable } = told;
  if (told.change === "add")
    return {
      change: "add",
      copy,
      place: { media: told.media, offSite: told.off_site, offline: told.offline, immutable: told.immutable },
    };
  const place = Object.fromEntries(
    Object.entries({ media, offSite, offline, immutable }).filter(([, value]) => value !== undefined),
  );
  return { change: "move", copy, place };
}

const ofTask = endpoint({
  method: "get",
  path: "/api/v1/compliance/aomei/{id}",
  tag,
  summary: "3-2-1-1-0 of a task of AOMEI Backupper, by the copies that are told of",
  description: "No copy of it can be verified or drilled here: `errors` never holds, and says why.",
  action: "compliance.read",
  params: z.strictObject({ id: jobId }),
  answers: { 200: complianceBody },
  refusals: ["JOB_NOT_FOUND"],
  handle: async (context, { params: { id }, caller }) => {
    const view = await taskHealth(context, caller.actor, id);
    return { status: 200, body: toCompliance(complianceOf(view, [], context.now())) };
  },
});

const tryOutTask = endpoint({
  method: "post",
  path: "/api/v1/compliance/aomei/{id}/what-if",
  tag,
  summary: "What 3-2-1-1-0 of a task would say if its copies were others; nothing is changed",
  action: "compliance.read",
  params: z.strictObject({ id: jobId }),
  body: changesBody,
  answers: { 200: complianceBody },
  refusals: ["JOB_NOT_FOUND"],
  handle: async (context, { params: { id }, body, caller }) => {
    const view = await taskHealth(context, caller.actor, id);
    return { status: 200, body: toCompliance(complianceOf(view, body.changes.map(toChange), context.now())) };
  },
});

const traits = endpoint({
  method: "get",
  path: "/api/v1/repositories/{agent_id}/{repository_id}/traits",
  tag,
  summary: "Where a repository is kept",
  action: "repositories.read",
  params: place,
  answers: { 200: traitsBody },
  handle: async (context, { params: { agent_id: agentId, repository_id: repositoryId }, caller }) => {
    const known = await repositoryTraits(context, caller.actor, { agentId, repositoryId });
    return { status: 200, body: toTraits(known) };
  },
});

const describe = endpoint({
  method: "put",
  path: "/api/v1/repositories/{agent_id}/{repository_id}/traits",
  tag,
  summary: "Say where a repository is kept, which nobody can see from its host",
  action: "repositories.describe",
  params: place,
  body: traitsInput,
  answers: { 200: traitsBody },
  handle: async (context, { params: { agent_id: agentId, repository_id: repositoryId }, body, caller }) => {
    const { media, off_site: offSite, offline, immutable } = body;
    const ref = { agentId, repositoryId };
    const known = await describeRepository(context, caller, { ref, traits: { media, offSite, offline, immutable } });
    return { status: 200, body: toTraits(known) };
  },
});

export const complianceRoutes: readonly Endpoint[] = [ofTask, tryOutTask, get, tryOut, traits, describe];
