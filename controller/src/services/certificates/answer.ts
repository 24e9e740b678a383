import type { EnrolmentAnswer } from "@holdfast/protocol";
import type { IssuedCertificate } from "../../adapters/pki/issue.ts";
import type { IdentityContext } from "../enrolment/context.ts";

/** What a host is told that enrolled or renewed over HTTPS. */
export function enrolmentAnswerOf(
  { authority, agentUrl }: IdentityContext,
  agentId: string,
  certificate: IssuedCertificate,
  message: string,
): EnrolmentAnswer {
  return {
    agent_id: agentId,
    certificate_chain: certificate.chain,
    root_certificate: authority.rootPem,
    root_fingerprint: authority.rootFingerprint,
    agent_url: agentUrl,
    message,
  };
}
