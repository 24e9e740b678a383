/** People's tokens: JWTs signed by this controller's own Ed25519 key, which nobody else can make and any process of it can read. */
import { createPublicKey, type KeyObject, randomUUID } from "node:crypto";
import { jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import { type Actor, SCOPES, type Scope } from "../../domain/access.ts";

const ISSUER = "holdfast";
const AUDIENCE = "holdfast-api";

export type TokenRequest = { subject: string; scopes: readonly Scope[]; expiresAt: Date };

/** A token that is ours and has not ended by itself; whether a person ended it is not for the token to say. */
export type ReadToken = { actor: Actor; tokenId: string; expiresAt: Date };

export type TokenIssuer = {
  issue: (request: TokenRequest) => Promise<string>;
  /** Who the token speaks for; null when it is not ours, changed, or expired. */
  read: (token: string) => Promise<ReadToken | null>;
};

const claims = z.object({
  sub: z.string().min(1).max(200),
  scope: z.string().max(500),
  jti: z.string().min(1).max(200),
  exp: z.number(),
});

/** Issues and reads tokens with one key; `now` decides what has expired. */
export function tokenIssuer(privateKey: KeyObject, now: () => Date): TokenIssuer {
  const publicKey = createPublicKey(privateKey);
  return {
    issue: ({ subject, scopes, expiresAt }) =>
      new SignJWT({ scope: scopes.join(" ") })
        .setProtectedHeader({ alg: "EdDSA", typ: "JWT" })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(subject)
        .setJti(randomUUID())
        .setIssuedAt(now())
        .setExpirationTime(expiresAt)
        .sign(privateKey),
    read: async (token) => {
      const payload = await verified(token, publicKey, now());
      const parsed = claims.safeParse(payload);
      if (!parsed.success) return null;
      const { sub, scope, jti, exp } = parsed.data;
      const actor: Actor = { kind: "token", id: sub, scopes: knownScopes(scope), agentId: null };
      return { actor, tokenId: jti, expiresAt: new Date(exp * 1000) };
    },
  };
}

async function verified(token: string, publicKey: KeyObject, currentDate: Date): Promise<unknown> {
  try {
    const { payload } = await jwtVerify(token, publicKey, {
      issuer: ISSUER,
      audience: AUDIENCE,
      algorithms: ["EdDSA"],
      typ: "JWT",
      requiredClaims: ["exp", "iat", "jti", "sub"],
      currentDate,
    });
    return payload;
  } catch {
    return null;
  }
}

/** A scope of a newer controller gives nothing here. */
function knownScopes(text: string): Scope[] {
  const words = text.split(" ");
  return SCOPES.filter((scope) => words.includes(scope));
}
