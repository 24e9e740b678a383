/** Access tokens that were ended before their time: by their ids, until then. */
import { inArray, like } from "drizzle-orm";
import type { Caller } from "../../domain/access.ts";
import type { Store } from "../../store/db.ts";
import { putSetting, readSetting } from "../../store/settings.ts";
import { recordAudit } from "../audit/record.ts";
import type { ServiceContext } from "../context.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import type { ReadToken, TokenIssuer } from "./tokens.ts";

const PREFIX = "revoked-access-token:";

export type EndedToken = Pick<ReadToken, "expiresAt"> & { subject: string; revokedAt: Date };

/** Ends one token; once more does no harm. VALIDATION_ERROR when it is none of ours, or is over already. */
export async function revokeAccessToken(
  { store, now, issuer }: ServiceContext & { issuer: TokenIssuer },
  caller: Caller,
  text: string,
): Promise<EndedToken> {
  const token = await issuer.read(text);
  if (token === null) throw invalidFields([{ path: "token", message: "is no access token that would be taken here" }]);
  const { tokenId, expiresAt, actor } = token;
  const at = now();
  await store.write(async (db) => {
    await putSetting(db, `${PREFIX}${tokenId}`, { expires_at: expiresAt.toISOString() });
    await recordAudit(db, caller, { action: "access-tokens.revoke", subject: actor.id, outcome: "done" }, at);
  });
  return { subject: actor.id, expiresAt, revokedAt: at };
}

export async function isRevoked({ store }: Pick<ServiceContext, "store">, tokenId: string): Promise<boolean> {
  return (await store.read((db) => readSetting(db, `${PREFIX}${tokenId}`))) !== undefined;
}

/** Forgets those that have ended by themselves; answers how many. */
export async function purgeRevokedTokens(store: Store, now: Date): Promise<number> {
  const over = await store.read(async (db) => {
    const { settings } = db.tables;
    const rows = await db
      .select()
      .from(settings)
      .where(like(settings.name, `${PREFIX}%`));
    return rows.filter(({ value }) => endOf(value) <= now.getTime()).map(({ name }) => name);
  });
  if (over.length > 0)
    await store.write(async (db) => {
      const { settings } = db.tables;
      await db.delete(settings).where(inArray(settings.name, over));
    });
  return over.length;
}

function endOf(value: unknown): number {
  const isKnown = typeof value === "object" && value !== null && "expires_at" in value;
  return isKnown ? Date.parse(String(value.expires_at)) : Number.POSITIVE_INFINITY;
}
