import { and, eq, gt } from "drizzle-orm";
import { type IssuedCertificate, issueAgentCertificate, planAgentCertificate } from "../../adapters/pki/issue.ts";
import type { CertificateRequest } from "../../adapters/pki/request.ts";
import type { Caller } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import { findAgent } from "../../store/agents.ts";
import { addCertificate } from "../../store/certificates.ts";
import type { Db } from "../../store/db.ts";
import { recordAudit } from "../audit/record.ts";
import type { IdentityContext } from "../enrolment/context.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import { issueAgain } from "./issue-again.ts";
import { certificateRow } from "./row.ts";

const DAY_MS = 24 * 3_600_000;
/** An honest agent needs one in 15 days; what loses its keys again and again is stopped before it fills the table. */
const MAX_A_DAY = 20;

export type NextCertificate = {
  agentId: string;
  request: CertificateRequest;
  /** The certificate by which the agent showed who it is; for the audit. */
  shown: string;
  over: "link" | "https";
};

/**
 * An agent's next certificate, for a new key. The old one stays valid until the new one is seen in use, so that a crash
 * between the two locks nobody out; the same key gets the same certificate again.
 * AGENT_REVOKED; VALIDATION_ERROR: a key that was used before; TOO_MANY_REQUESTS.
 */
export async function issueNext(
  context: IdentityContext,
  db: Db,
  caller: Caller,
  { agentId, request, shown, over }: NextCertificate,
): Promise<IssuedCertificate> {
  const at = context.now();
  await refuseRevoked(db, agentId);
  const again = await issueAgain(context, db, agentId, request, at);
  if (again !== undefined) return again;
  await refuseKnownKey(db, request);
  await refuseFlood(db, agentId, at);
  const certificate = issueAgentCertificate(context.authority, planAgentCertificate(request, agentId, at));
  await addCertificate(db, certificateRow(agentId, certificate, at));
  const details = { certificate: certificate.fingerprint, shown, over };
  await recordAudit(db, caller, { action: "renewal", subject: agentId, outcome: "done", details }, at);
  return certificate;
}

async function refuseRevoked(db: Db, agentId: string): Promise<void> {
  const agent = await findAgent(db, agentId);
  if (agent?.state === "enrolled") return;
  throw new ControllerError("AGENT_REVOKED", { message: "this agent was revoked: enrol the host with a new token" });
}

async function refuseKnownKey(db: Db, { keyFingerprint }: CertificateRequest): Promise<void> {
  const { certificates: c } = db.tables;
  const known = await db.$count(c, eq(c.keyFingerprint, keyFingerprint));
  if (known > 0) throw invalidFields([{ path: "csr", message: "its key was used before: a renewal needs a new one" }]);
}

async function refuseFlood(db: Db, agentId: string, at: Date): Promise<void> {
  const { certificates: c } = db.tables;
  const since = new Date(at.getTime() - DAY_MS);
  const issued = await db.$count(c, and(eq(c.agentId, agentId), gt(c.issuedAt, since)));
  if (issued < MAX_A_DAY) return;
  const message = `this agent got ${issued} certificates within a day`;
  throw new ControllerError("TOO_MANY_REQUESTS", { message, retryAfter: 3600 });
}
