import { join } from "node:path";
import { openSigningKey } from "./signing-key.ts";
import { type TokenIssuer, tokenIssuer } from "./tokens.ts";

const DAY_MS = 86_400_000;
/** The first token is for setting up; people's own logins and API keys come after it. */
const FIRST_TOKEN_DAYS = 30;

export type AdminToken = { token: string; expiresAt: Date };
/** `firstToken`: made when the key was, by the first start on a data folder; shown once, kept nowhere. */
export type Access = { issuer: TokenIssuer; firstToken: AdminToken | null };

/** Opens the key in `<data folder>/keys` that signs people's tokens. System errors when the folder cannot be used. */
export async function openAccess(dataFolder: string, now: () => Date): Promise<Access> {
  const { privateKey, isNew } = await openSigningKey(join(dataFolder, "keys"));
  const issuer = tokenIssuer(privateKey, now);
  return { issuer, firstToken: isNew ? await issueAdminToken(issuer, now(), FIRST_TOKEN_DAYS) : null };
}

/** A token that may do everything, for whoever can read the data folder. */
async function issueAdminToken(issuer: TokenIssuer, now: Date, days: number): Promise<AdminToken> {
  const expiresAt = new Date(now.getTime() + days * DAY_MS);
  return { token: await issuer.issue({ subject: "admin", scopes: ["admin"], expiresAt }), expiresAt };
}
