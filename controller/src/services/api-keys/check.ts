import { eq } from "drizzle-orm";
import { type Actor, SCOPES } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import type { ServiceContext } from "../context.ts";
import type { ApiKeyRow } from "./create.ts";
import { isSecret, parseKey } from "./key-text.ts";
import { isWithin } from "./networks.ts";

/** The last use is known to the minute: writing it at each call would make every read a write. */
const LAST_USE_STEP_MS = 60_000;

/** Who a key speaks for. INVALID_API_KEY, the same for every reason: a guess must teach nothing. */
export async function checkApiKey({ store, now }: ServiceContext, text: string, source: string): Promise<Actor> {
  const parsed = parseKey(text);
  if (parsed === null) throw invalidKey();
  const row = await store.read(async (db) => {
    const { apiKeys } = db.tables;
    const [found] = await db.select().from(apiKeys).where(eq(apiKeys.keyId, parsed.keyId));
    return found;
  });
  const at = now();
  if (!isSecret(parsed.secret, row?.secretHash ?? null) || row === undefined) throw invalidKey();
  if (!isLive(row, at) || !isWithin(source, row.networks)) throw invalidKey();
  if (at.getTime() - (row.lastUsedAt?.getTime() ?? 0) >= LAST_USE_STEP_MS)
    await store.write(async (db) => {
      await db.update(db.tables.apiKeys).set({ lastUsedAt: at }).where(eq(db.tables.apiKeys.keyId, row.keyId));
    });
  return {
    kind: "api-key",
    id: row.keyId,
    scopes: SCOPES.filter((scope) => row.scopes.includes(scope)),
    agentId: row.agentId,
  };
}

function isLive({ revokedAt, expiresAt }: ApiKeyRow, now: Date): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > now);
}

function invalidKey(): ControllerError {
  return new ControllerError("INVALID_API_KEY", { message: "this API key is not valid here" });
}
