import { enrolmentAnswer, enrolmentRequest, renewalRequest } from "@holdfast/protocol";
import { z } from "@hono/zod-openapi";
import { renewExpired } from "../../services/certificates/renew-expired.ts";
import { createToken } from "../../services/enrolment/create-token.ts";
import { enrol } from "../../services/enrolment/enrol.ts";
import { listTokens } from "../../services/enrolment/list-tokens.ts";
import { revokeToken } from "../../services/enrolment/revoke-token.ts";
import { enrolmentTokenBody, toEnrolmentToken } from "../answers/agent.ts";
import { pageBody, pageFields, paging } from "../answers/common.ts";
import { sourceNetwork } from "../authenticate.ts";
import type { ApiContext } from "../context.ts";
import { type Endpoint, endpoint } from "../endpoint.ts";
import { tooManyRequests } from "../rate-limit.ts";

const tag = "enrolment";
const MAX_BODY_BYTES = 65_536;

function limitSource({ limiters }: ApiContext, source: string): void {
  const wait = limiters.enrolment.take(sourceNetwork(source));
  if (wait > 0) throw tooManyRequests(wait, "too many enrolments came from this address");
}

const enrolHost = endpoint({
  method: "post",
  path: "/api/v1/enrolment",
  tag,
  summary: "An agent gets its certificate for a one-time token",
  description: "The same token with the same key gets the same answer, so one that was lost can be asked for again.",
  action: null,
  maxBodyBytes: MAX_BODY_BYTES,
  body: enrolmentRequest,
  answers: { 200: enrolmentAnswer },
  refusals: ["TOKEN_REFUSED", "AGENT_REVOKED"],
  handle: async (context, { body, caller }) => {
    limitSource(context, caller.source);
    return { status: 200, body: await enrol(context, caller, body) };
  },
});

const renew = endpoint({
  method: "post",
  path: "/api/v1/enrolment/renew",
  tag,
  summary: "An agent gets a certificate for one that expired, by a signature of its old key",
  action: null,
  maxBodyBytes: MAX_BODY_BYTES,
  body: renewalRequest,
  answers: { 200: enrolmentAnswer },
  refusals: ["FORBIDDEN", "AGENT_REVOKED"],
  handle: async (context, { body, caller }) => {
    limitSource(context, caller.source);
    return { status: 200, body: await renewExpired(context, caller, body) };
  },
});

const list = endpoint({
  method: "get",
  path: "/api/v1/enrolment-tokens",
  tag,
  summary: "Tokens that were made, used or not",
  action: "enrolment-tokens.read",
  query: z.strictObject(paging),
  answers: { 200: z.strictObject({ tokens: z.array(enrolmentTokenBody), ...pageFields }) },
  handle: async (context, { query }) => {
    const page = await listTokens(context, query);
    return { status: 200, body: { tokens: page.rows.map(toEnrolmentToken), ...pageBody(page) } };
  },
});

const create = endpoint({
  method: "post",
  path: "/api/v1/enrolment-tokens",
  tag,
  summary: "A one-time token with which one host can enrol",
  description: "It carries the fingerprint of this controller's root, so that no host trusts anything unseen.",
  action: "enrolment-tokens.create",
  body: z.strictObject({
    name: z.string().trim().min(1).max(200).nullable().default(null),
    lifetime_seconds: z.number().int().positive().nullable().default(null),
  }),
  answers: { 201: enrolmentTokenBody.extend({ token: z.string().openapi({ description: "Shown this once." }) }) },
  handle: async (context, { body: { name, lifetime_seconds: lifetimeSeconds }, caller }) => {
    const { row, text } = await createToken(context, caller, { name, lifetimeSeconds });
    return { status: 201, body: { ...toEnrolmentToken(row), token: text } };
  },
});

const revoke = endpoint({
  method: "delete",
  path: "/api/v1/enrolment-tokens/{token_id}",
  tag,
  summary: "End an unused token",
  action: "enrolment-tokens.revoke",
  params: z.strictObject({ token_id: z.string().regex(/^[A-Za-z0-9_-]{8,32}$/, "is no token's id") }),
  answers: { 200: enrolmentTokenBody },
  refusals: ["CONFLICT"],
  handle: async (context, { params: { token_id }, caller }) => {
    return { status: 200, body: toEnrolmentToken(await revokeToken(context, caller, token_id)) };
  },
});

export const enrolmentRoutes: readonly Endpoint[] = [enrolHost, renew, list, create, revoke];
