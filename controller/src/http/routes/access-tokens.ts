import { z } from "@hono/zod-openapi";
import { revokeAccessToken } from "../../services/access/revoked-tokens.ts";
import { iso, time } from "../answers/common.ts";
import { endpoint } from "../endpoint.ts";

export const accessTokenRevokeRoute = endpoint({
  method: "post",
  path: "/api/v1/access-tokens/revoke",
  tag: "access-tokens",
  summary: "End one access token before its time",
  description: "The token itself is shown, as it was found or lost; only its id is kept.",
  action: "access-tokens.revoke",
  body: z.strictObject({ token: z.string().min(1).max(4000) }),
  answers: { 200: z.strictObject({ subject: z.string(), expires_at: time, revoked_at: time }) },
  handle: async (context, { body: { token }, caller }) => {
    const { subject, expiresAt, revokedAt } = await revokeAccessToken(context, caller, token);
    return { status: 200, body: { subject, expires_at: iso(expiresAt), revoked_at: iso(revokedAt) } };
  },
});
