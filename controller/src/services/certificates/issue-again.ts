import { and, eq, isNull } from "drizzle-orm";
import { type IssuedCertificate, issueAgentCertificate } from "../../adapters/pki/issue.ts";
import type { CertificateRequest } from "../../adapters/pki/request.ts";
import { findAgent } from "../../store/agents.ts";
import type { Db } from "../../store/db.ts";
import type { IdentityContext } from "../enrolment/context.ts";

/**
 * The certificate that this agent has for this key, byte for byte, while less than half of its time is over; undefined
 * otherwise. It is not stored: the same facts give the same certificate.
 */
export async function issueAgain(
  { authority }: IdentityContext,
  db: Db,
  agentId: string,
  request: CertificateRequest,
  now: Date,
): Promise<IssuedCertificate | undefined> {
  if ((await findAgent(db, agentId))?.state !== "enrolled") return undefined;
  const { certificates: c } = db.tables;
  const isForKey = and(eq(c.agentId, agentId), eq(c.keyFingerprint, request.keyFingerprint), isNull(c.revokedAt));
  const [row] = await db.select().from(c).where(isForKey);
  if (row === undefined || now.getTime() >= (row.notBefore.getTime() + row.notAfter.getTime()) / 2) return undefined;
  const { serial, notBefore, notAfter } = row;
  const again = issueAgentCertificate(authority, { request, agentId, serial, notBefore, notAfter });
  return again.fingerprint === row.fingerprint ? again : undefined;
}
