import { uuid } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { SCOPES } from "../../domain/access.ts";
import { type ApiKeyRow, createApiKey } from "../../services/api-keys/create.ts";
import { listApiKeys } from "../../services/api-keys/list.ts";
import { revokeApiKey, rotateApiKey } from "../../services/api-keys/rotate.ts";
import { iso, isoOrNull, pageBody, pageFields, paging, time } from "../answers/common.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";

const tag = "api-keys";
const params = z.strictObject({ key_id: z.string().regex(/^[A-Za-z0-9_-]{16}$/, "is no key's id") });
const MAX_OVERLAP_SECONDS = 30 * 86_400;

const keyBody = z
  .strictObject({
    key_id: z.string(),
    name: z.string(),
    scopes: z.array(z.string()),
    agent_id: z.string().nullable(),
    networks: z.array(z.string()),
    zone: z.string().nullable(),
    created_by: z.string(),
    created_at: time,
    expires_at: time.nullable(),
    revoked_at: time.nullable(),
    replaced_by: z.string().nullable(),
    last_used_at: time.nullable(),
  })
  .openapi("ApiKey");
const madeKey = keyBody.extend({ key: z.string().openapi({ description: "Shown this once." }) });

function toKey(row: ApiKeyRow): z.input<typeof keyBody> {
  return {
    key_id: row.keyId,
    name: row.name,
    scopes: row.scopes,
    agent_id: row.agentId,
    networks: row.networks,
    zone: row.zone,
    created_by: row.createdBy,
    created_at: iso(row.createdAt),
    expires_at: isoOrNull(row.expiresAt),
    revoked_at: isoOrNull(row.revokedAt),
    replaced_by: row.replacedBy,
    last_used_at: isoOrNull(row.lastUsedAt),
  };
}

const list = endpoint({
  method: "get",
  path: "/api/v1/api-keys",
  tag,
  summary: "Keys, without what they open",
  action: "api-keys.read",
  query: z.strictObject(paging),
  answers: { 200: z.strictObject({ api_keys: z.array(keyBody), ...pageFields }) },
  handle: async (context, { query }) => {
    const page = await listApiKeys(context, query);
    return { status: 200, body: { api_keys: page.rows.map(toKey), ...pageBody(page) } };
  },
});

const create = endpoint({
  method: "post",
  path: "/api/v1/api-keys",
  tag,
  summary: "A key for a program",
  action: "api-keys.create",
  body: z.strictObject({
    name: z.string().trim().min(1).max(200),
    scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length),
    agent_id: uuid.nullable().default(null),
    networks: z.array(z.string().max(100)).max(100).default([]),
    zone: z.string().max(100).nullable().default(null),
    expires_at: z.iso.datetime({ offset: true }).nullable().default(null),
  }),
  answers: { 201: madeKey },
  handle: async (context, { body, caller }) => {
    const { name, scopes, agent_id: agentId, networks, zone, expires_at } = body;
    const expiresAt = expires_at === null ? null : new Date(expires_at);
    const made = await createApiKey(context, caller, { name, scopes, agentId, networks, zone, expiresAt });
    return { status: 201, body: { ...toKey(made.row), key: made.text } };
  },
});

const rotate = endpoint({
  method: "post",
  path: "/api/v1/api-keys/{key_id}/rotate",
  tag,
  summary: "A new key that may the same; both work during the overlap",
  action: "api-keys.rotate",
  params,
  body: z.strictObject({
    overlap_seconds: z.number().int().min(0).max(MAX_OVERLAP_SECONDS).default(86_400),
    expires_at: z.iso.datetime({ offset: true }).nullable().default(null),
  }),
  answers: { 201: madeKey },
  refusals: ["CONFLICT"],
  handle: async (context, { params: { key_id: keyId }, body, caller }) => {
    const expiresAt = body.expires_at === null ? null : new Date(body.expires_at);
    const made = await rotateApiKey(context, caller, { keyId, overlapSeconds: body.overlap_seconds, expiresAt });
    return { status: 201, body: { ...toKey(made.row), key: made.text } };
  },
});

const revoke = endpoint({
  method: "delete",
  path: "/api/v1/api-keys/{key_id}",
  tag,
  summary: "End a key at once",
  action: "api-keys.revoke",
  params,
  answers: { 200: keyBody },
  handle: async (context, { params: { key_id }, caller }) => ({
    status: 200,
    body: toKey(await revokeApiKey(context, caller, key_id)),
  }),
});

export const apiKeyRoutes: readonly Endpoint[] = [list, create, rotate, revoke];
