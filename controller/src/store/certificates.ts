import { and, desc, eq, gt, isNull } from "drizzle-orm";
import type { Db } from "./db.ts";

export type CertificateRow = Db["tables"]["certificates"]["$inferSelect"];

/** CONFLICT when the fingerprint or the serial is there already, or the agent is not. */
export async function addCertificate(db: Db, row: Db["tables"]["certificates"]["$inferInsert"]): Promise<void> {
  await db.insert(db.tables.certificates).values(row);
}

export async function findCertificate(db: Db, fingerprint: string): Promise<CertificateRow | undefined> {
  const { certificates } = db.tables;
  const [row] = await db.select().from(certificates).where(eq(certificates.fingerprint, fingerprint));
  return row;
}

/** All of an agent's, newest first. */
export async function listCertificates(db: Db, agentId: string): Promise<CertificateRow[]> {
  const { certificates } = db.tables;
  return await db
    .select()
    .from(certificates)
    .where(eq(certificates.agentId, agentId))
    .orderBy(desc(certificates.issuedAt), desc(certificates.fingerprint));
}

/** Revokes every certificate of an agent that could still be shown; answers their fingerprints. */
export async function revokeCertificates(db: Db, agentId: string, at: Date, reason: string): Promise<string[]> {
  const { certificates } = db.tables;
  const revoked = await db
    .update(certificates)
    .set({ revokedAt: at, reason })
    .where(and(eq(certificates.agentId, agentId), isNull(certificates.revokedAt), gt(certificates.notAfter, at)))
    .returning({ fingerprint: certificates.fingerprint });
  return revoked.map(({ fingerprint }) => fingerprint);
}
