import { and, eq, isNull, lt } from "drizzle-orm";
import type { Db } from "../../store/db.ts";

/** Why a certificate ended whose successor was seen in use. Its agent may still renew with it: see `renewExpired`. */
export const SUPERSEDED = "superseded";

type Shown = { agentId: string; notBefore: Date };

function olderOnes(db: Db, { agentId, notBefore }: Shown) {
  const { certificates: c } = db.tables;
  return and(eq(c.agentId, agentId), isNull(c.revokedAt), lt(c.notBefore, notBefore));
}

export async function hasOlder(db: Db, shown: Shown): Promise<boolean> {
  return (await db.$count(db.tables.certificates, olderOnes(db, shown))) > 0;
}

/** Ends the agent's certificates that are older than the one it was just seen to use. */
export async function supersedeOlder(db: Db, shown: Shown, at: Date): Promise<void> {
  await db.update(db.tables.certificates).set({ revokedAt: at, reason: SUPERSEDED }).where(olderOnes(db, shown));
}
