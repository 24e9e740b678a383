import { verify } from "node:crypto";
import type { EnrolmentAnswer, RenewalRequest } from "@holdfast/protocol";
import { readRequest } from "../../adapters/pki/request.ts";
import { readAgentCertificate } from "../../adapters/pki/verify.ts";
import type { Caller } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import type { IdentityContext } from "../enrolment/context.ts";
import { findOrAdopt } from "./adopt.ts";
import { enrolmentAnswerOf } from "./answer.ts";
import { issueNext } from "./issue-next.ts";
import { SUPERSEDED } from "./supersede.ts";

/** A machine that was off for a season comes back by itself; after a year somebody should look at it first. */
const LATEST_MS = 365 * 24 * 3_600_000;

/**
 * A certificate for an agent whose own cannot be used on the link any more: it expired, or a newer one took its place
 * and was lost (a host restored from an image). The request must be signed by the old key as well.
 * FORBIDDEN: not ours, not signed by the old key, too old, revoked; otherwise as `issueNext`.
 */
export async function renewExpired(
  context: IdentityContext,
  caller: Caller,
  input: RenewalRequest,
): Promise<EnrolmentAnswer> {
  const shown = readAgentCertificate(context.authority, input.certificate);
  if (shown === undefined) throw forbidden("the certificate was not made by this controller for an agent");
  const signature = Buffer.from(input.signature, "base64");
  if (!verify("sha256", Buffer.from(input.csr), shown.certificate.publicKey, signature))
    throw forbidden("the request is not signed with the key of the certificate");
  const at = context.now();
  if (at.getTime() > shown.notAfter.getTime() + LATEST_MS)
    throw forbidden("the certificate ended more than 365 days ago: enrol the host with a new token");
  const request = readRequest(input.csr);
  return await context.store.write(async (db) => {
    const row = await findOrAdopt(db, caller, shown, at);
    if (row.revokedAt !== null && row.reason !== SUPERSEDED) throw forbidden("the certificate was revoked");
    const next = { agentId: shown.agentId, request, shown: shown.fingerprint, over: "https" } as const;
    const certificate = await issueNext(context, db, caller, next);
    return enrolmentAnswerOf(context, shown.agentId, certificate, "renewed");
  });
}

function forbidden(message: string): ControllerError {
  return new ControllerError("FORBIDDEN", { message });
}
