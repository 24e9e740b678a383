/** A host becomes an agent, in this order: validate, authorise, sign, record. Nothing counts before it is recorded. */
import { randomUUID } from "node:crypto";
import type { EnrolmentAnswer, EnrolmentRequest } from "@holdfast/protocol";
import { type IssuedCertificate, issueAgentCertificate, planAgentCertificate } from "../../adapters/pki/issue.ts";
import { type CertificateRequest, readRequest } from "../../adapters/pki/request.ts";
import type { Caller } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import { addAgent } from "../../store/agents.ts";
import { addCertificate } from "../../store/certificates.ts";
import type { Db } from "../../store/db.ts";
import { findEnrolmentToken, useEnrolmentToken } from "../../store/enrolment-tokens.ts";
import { recordAudit } from "../audit/record.ts";
import { enrolmentAnswerOf } from "../certificates/answer.ts";
import { issueAgain } from "../certificates/issue-again.ts";
import { certificateRow } from "../certificates/row.ts";
import { authorise, readToken, tokenRefused } from "./authorise.ts";
import type { IdentityContext } from "./context.ts";

/**
 * Enrols a host with a one-time token and a request for a certificate. The same token with the same key gets the same
 * certificate again until half of its time is over, so that a lost answer can be asked for again.
 * VALIDATION_ERROR: the token's form, the request; TOKEN_REFUSED: unknown, used by another key, expired, revoked.
 */
export async function enrol(
  context: IdentityContext,
  caller: Caller,
  input: EnrolmentRequest,
): Promise<EnrolmentAnswer> {
  const token = readToken(context, input.token);
  const row = await authorise(context, token);
  const request = readRequest(input.csr);
  const agentId = randomUUID();
  const at = context.now();
  // Made before it is known whether it may be: a signature takes long for a transaction, and unused it goes nowhere.
  const certificate = issueAgentCertificate(context.authority, planAgentCertificate(request, agentId, at));
  try {
    return await context.store.write(async (db) => {
      const use = { agentId, keyFingerprint: request.keyFingerprint, at };
      if (!(await useEnrolmentToken(db, row.tokenId, use)))
        return await answerAgain(context, db, row.tokenId, request, at);
      const { hostname, platform, agent_version: version } = input;
      const name = row.name ?? hostname;
      await addAgent(db, { agentId, name, hostname, platform, version, createdAt: at });
      await addCertificate(db, certificateRow(agentId, certificate, at));
      await audit(db, caller, agentId, row.tokenId, certificate, at);
      return enrolmentAnswerOf(context, agentId, certificate, `enrolled as ${name}`);
    });
  } catch (error) {
    await noteRefusal(context, caller, row.tokenId, error);
    throw error;
  }
}

/** What the first answer said, for the same key; otherwise TOKEN_REFUSED with what became of the token. */
async function answerAgain(
  context: IdentityContext,
  db: Db,
  tokenId: string,
  request: CertificateRequest,
  at: Date,
): Promise<EnrolmentAnswer> {
  const row = await findEnrolmentToken(db, tokenId);
  if (row?.usedBy != null && row.keyFingerprint === request.keyFingerprint) {
    const again = await issueAgain(context, db, row.usedBy, request, at);
    if (again !== undefined) return enrolmentAnswerOf(context, row.usedBy, again, "enrolled before; the same answer");
  }
  if (row?.usedAt != null) throw tokenRefused(`the token was used at ${row.usedAt.toISOString()}: make a new one`);
  if (row?.revokedAt != null) throw tokenRefused("the token was revoked: make a new one");
  throw tokenRefused(`the token ended at ${row?.expiresAt.toISOString()}: make a new one`);
}

async function audit(
  db: Db,
  caller: Caller,
  agentId: string,
  tokenId: string,
  { fingerprint }: IssuedCertificate,
  at: Date,
): Promise<void> {
  const details = { token_id: tokenId, certificate: fingerprint };
  await recordAudit(db, caller, { action: "enrolment", subject: agentId, outcome: "done", details }, at);
}

/** A right secret that is refused may have been stolen, so it is written down; a wrong one could be written for ever. */
async function noteRefusal(context: IdentityContext, caller: Caller, tokenId: string, error: unknown): Promise<void> {
  if (!(error instanceof ControllerError) || error.code !== "TOKEN_REFUSED") return;
  const details = { reason: error.message };
  const entry = { action: "enrolment", subject: tokenId, outcome: error.code, details } as const;
  await context.store.write((db) => recordAudit(db, caller, entry, context.now()));
}
