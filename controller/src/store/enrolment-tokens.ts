import { and, eq, gt, isNull } from "drizzle-orm";
import type { Db } from "./db.ts";

export type EnrolmentTokenRow = Db["tables"]["enrolmentTokens"]["$inferSelect"];

export async function addEnrolmentToken(db: Db, row: Db["tables"]["enrolmentTokens"]["$inferInsert"]): Promise<void> {
  await db.insert(db.tables.enrolmentTokens).values(row);
}

export async function findEnrolmentToken(db: Db, tokenId: string): Promise<EnrolmentTokenRow | undefined> {
  const { enrolmentTokens } = db.tables;
  const [row] = await db.select().from(enrolmentTokens).where(eq(enrolmentTokens.tokenId, tokenId));
  return row;
}

export type TokenUse = { agentId: string; keyFingerprint: string; at: Date };

/** Spends a token that is unused, unexpired and not revoked at `at`; false when it is none of these: nothing changed then. */
export async function useEnrolmentToken(
  db: Db,
  tokenId: string,
  { agentId, keyFingerprint, at }: TokenUse,
): Promise<boolean> {
  const { enrolmentTokens } = db.tables;
  const usable = [isNull(enrolmentTokens.usedAt), isNull(enrolmentTokens.revokedAt), gt(enrolmentTokens.expiresAt, at)];
  const spent = await db
    .update(enrolmentTokens)
    .set({ usedAt: at, usedBy: agentId, keyFingerprint })
    .where(and(eq(enrolmentTokens.tokenId, tokenId), ...usable))
    .returning({ tokenId: enrolmentTokens.tokenId });
  return spent.length === 1;
}

/** False when there is none that could still be used. */
export async function revokeEnrolmentToken(db: Db, tokenId: string, at: Date): Promise<boolean> {
  const { enrolmentTokens } = db.tables;
  const revoked = await db
    .update(enrolmentTokens)
    .set({ revokedAt: at })
    .where(and(eq(enrolmentTokens.tokenId, tokenId), isNull(enrolmentTokens.usedAt), isNull(enrolmentTokens.revokedAt)))
    .returning({ tokenId: enrolmentTokens.tokenId });
  return revoked.length === 1;
}
