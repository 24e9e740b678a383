import { and, eq, isNull } from "drizzle-orm";
import { actorName, type Caller } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { recordAudit } from "../audit/record.ts";
import type { ServiceContext } from "../context.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import type { ApiKeyRow, MadeKey } from "./create.ts";
import { newKey } from "./key-text.ts";

export type RotateKey = {
  keyId: string;
  /** So long the old key works beside the new one. */
  overlapSeconds: number;
  expiresAt: Date | null;
};

/** A new key with everything the old one may; the old one ends after the overlap, never later than it would have. */
export async function rotateApiKey({ store, now }: ServiceContext, caller: Caller, input: RotateKey): Promise<MadeKey> {
  const at = now();
  if (input.expiresAt !== null && input.expiresAt <= at)
    throw invalidFields([{ path: "expires_at", message: "must lie in the future" }]);
  const { keyId, text, secretHash } = newKey();
  return await store.write(async (db) => {
    const { apiKeys } = db.tables;
    const old = await usableKey(db, input.keyId, at);
    const [row] = await db
      .insert(apiKeys)
      .values({
        ...old,
        keyId,
        secretHash,
        createdBy: actorName(caller.actor),
        createdAt: at,
        expiresAt: input.expiresAt,
        lastUsedAt: null,
      })
      .returning();
    if (row === undefined) throw new Error("the new key was not returned");
    const end = new Date(at.getTime() + input.overlapSeconds * 1000);
    const expiresAt = old.expiresAt !== null && old.expiresAt < end ? old.expiresAt : end;
    await db.update(apiKeys).set({ expiresAt, replacedBy: keyId }).where(eq(apiKeys.keyId, old.keyId));
    const details = { new_key_id: keyId, overlap_seconds: input.overlapSeconds };
    await recordAudit(db, caller, { action: "api-keys.rotate", subject: old.keyId, outcome: "done", details }, at);
    return { row, text };
  });
}

/** Ends a key at once. Doing it twice is no error. */
export async function revokeApiKey({ store, now }: ServiceContext, caller: Caller, keyId: string): Promise<ApiKeyRow> {
  const at = now();
  return await store.write(async (db) => {
    const { apiKeys } = db.tables;
    await db
      .update(apiKeys)
      .set({ revokedAt: at })
      .where(and(eq(apiKeys.keyId, keyId), isNull(apiKeys.revokedAt)));
    const row = await findKey(db, keyId);
    await recordAudit(db, caller, { action: "api-keys.revoke", subject: keyId, outcome: "done" }, at);
    return row;
  });
}

async function usableKey(db: Db, keyId: string, now: Date): Promise<ApiKeyRow> {
  const row = await findKey(db, keyId);
  if (row.revokedAt !== null) throw new ControllerError("CONFLICT", { message: "the key was revoked: make a new one" });
  if (row.replacedBy !== null)
    throw new ControllerError("CONFLICT", { message: "the key was rotated already", details: row.replacedBy });
  if (row.expiresAt !== null && row.expiresAt <= now)
    throw new ControllerError("CONFLICT", { message: "the key has expired: make a new one" });
  return row;
}

async function findKey(db: Db, keyId: string): Promise<ApiKeyRow> {
  const { apiKeys } = db.tables;
  const [row] = await db.select().from(apiKeys).where(eq(apiKeys.keyId, keyId));
  if (row === undefined) throw new ControllerError("NOT_FOUND", { message: "there is no such API key" });
  return row;
}
