import { backupId, pathId, uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { createHold } from "../../services/holds/create.ts";
import { listHolds } from "../../services/holds/list.ts";
import type { HoldRow } from "../../services/holds/open-holds.ts";
import { releaseHold } from "../../services/holds/release.ts";
import { agentInQuery, iso, isoOrNull, pageBody, pageFields, paging, time } from "../answers/common.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = "retention";
const reason = z.string().trim().min(1).max(500);

const holdBody = z
  .strictObject({
    hold_id: z.uuid(),
    agent_id: z.uuid(),
    vm_context_id: z.string(),
    backup_id: z.string().nullable().openapi({ description: "null: the whole item, with what is to come." }),
    kind: z.enum(["legal", "immutable"]),
    until: time.nullable().openapi({ description: "null: until it is released." }),
    reason: z.string(),
    created_at: time,
    created_by: z.string(),
    released_at: time.nullable(),
    released_by: z.string().nullable(),
    release_reason: z.string().nullable(),
  })
  .openapi("Hold");

function toHold(row: HoldRow): z.input<typeof holdBody> {
  return {
    ...{ hold_id: row.holdId, agent_id: row.agentId, vm_context_id: row.vmContextId, backup_id: row.backupId },
    ...{ kind: row.kind, until: isoOrNull(row.until), reason: row.reason },
    ...{ created_at: iso(row.createdAt), created_by: row.createdBy },
    ...{ released_at: isoOrNull(row.releasedAt), released_by: row.releasedBy, release_reason: row.releaseReason },
  };
}

const list = endpoint({
  method: "get",
  path: "/api/v1/holds",
  tag,
  summary: "What is held, newest first",
  action: "holds.read",
  query: z.strictObject({
    agent_id: agentInQuery,
    vm_context_id: pathId.optional(),
    released: z.enum(["true", "false"]).optional(),
    ...paging,
  }),
  answers: { 200: z.strictObject({ holds: z.array(holdBody), ...pageFields }) },
  handle: async (context, { query: { agent_id, vm_context_id, released, ...rest }, caller }) => {
    const page = await listHolds(context, caller.actor, {
      ...{ agentId: agent_id, vmContextId: vm_context_id, ...rest },
      released: released === undefined ? undefined : released === "true",
    });
    return { status: 200, body: { holds: page.rows.map(toHold), ...pageBody(page) } };
  },
});

const create = endpoint({
  method: "post",
  path: "/api/v1/holds",
  tag,
  summary: "Keep a backup, or all of an item, whatever any rule says",
  description:
    "`legal` holds until it is released; `immutable` until its end, and nobody can release it before. It binds this " +
    "controller: whoever is root on the host can still delete files.",
  action: "holds.create",
  body: z.strictObject({
    agent_id: uuid,
    vm_context_id: pathId,
    backup_id: backupId.nullable().default(null),
    kind: z.enum(["legal", "immutable"]).default("legal"),
    until: z.iso.datetime({ offset: true }).nullable().default(null),
    reason,
  }),
  answers: {
    201: holdBody.extend({
      removals_under_way: z
        .array(z.uuid())
        .openapi({ description: "Commands that the host had got before; it is asked to end them." }),
    }),
  },
  refusals: ["NOT_FOUND"],
  handle: async (context, { body, caller }) => {
    const { hold, underWay } = await createHold(context, caller, {
      ...{ agentId: body.agent_id, vmContextId: body.vm_context_id, backupId: body.backup_id, kind: body.kind },
      ...{ until: body.until === null ? null : new Date(body.until), reason: body.reason },
    });
    return { status: 201, body: { ...toHold(hold), removals_under_way: underWay } };
  },
});

const release = endpoint({
  method: "post",
  path: "/api/v1/holds/{hold_id}/release",
  tag,
  summary: "Let go what was held",
  action: "holds.release",
  params: z.strictObject({ hold_id: uuid }),
  body: z.strictObject({ reason }),
  answers: { 200: holdBody },
  refusals: ["CONFLICT", "PROTECTED"],
  handle: async (context, { params: { hold_id: holdId }, body, caller }) => ({
    status: 200,
    body: toHold(await releaseHold(context, caller, { holdId, reason: body.reason })),
  }),
});

export const holdRoutes: readonly Endpoint[] = [list, create, release];
