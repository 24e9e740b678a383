/** Whether a certificate that a peer shows is one that we made for an agent. */
import { X509Certificate } from "node:crypto";
import { type Authority, fingerprintOf } from "./authority.ts";
import { AGENT_URN } from "./issue.ts";
import { keyFingerprint } from "./x509.ts";

const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
const AGENT_NAME = new RegExp(
  `^URI:${AGENT_URN}([0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$`,
);

export type AgentCertificate = {
  agentId: string;
  fingerprint: string;
  serial: string;
  keyFingerprint: string;
  notBefore: Date;
  notAfter: Date;
};

export type CertificateRefusal = {
  code: "CERTIFICATE_FOREIGN" | "CERTIFICATE_EXPIRED" | "CERTIFICATE_NOT_YET_VALID";
  message: string;
};

export type CertificateVerdict = ({ ok: true } & AgentCertificate) | ({ ok: false } & CertificateRefusal);

/** An agent's certificate of ours, its times aside; undefined for anything else. Takes DER, PEM or a parsed one. */
export function readAgentCertificate(
  authority: Authority,
  presented: X509Certificate | Uint8Array | string,
): (AgentCertificate & { certificate: X509Certificate }) | undefined {
  const certificate = parse(presented);
  if (certificate === undefined) return undefined;
  const { issuing } = authority;
  if (!certificate.checkIssued(issuing) || !certificate.verify(issuing.publicKey)) return undefined;
  if (certificate.ca || certificate.keyUsage?.join() !== CLIENT_AUTH) return undefined;
  const agentId = AGENT_NAME.exec(certificate.subjectAltName ?? "")?.[1];
  if (agentId === undefined) return undefined;
  return {
    certificate,
    agentId,
    fingerprint: fingerprintOf(certificate),
    serial: certificate.serialNumber.toLowerCase(),
    keyFingerprint: keyFingerprint(certificate.publicKey),
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
  };
}

/** Whose certificate it is, or why it is refused. Whether it was revoked is the store's to say. */
export function verifyAgentCertificate(
  authority: Authority,
  presented: X509Certificate | Uint8Array | string,
  now: Date,
): CertificateVerdict {
  const found = readAgentCertificate(authority, presented);
  if (found === undefined)
    return {
      ok: false,
      code: "CERTIFICATE_FOREIGN",
      message: "the certificate was not made by this controller for an agent",
    };
  const { certificate: _, ...facts } = found;
  if (now < facts.notBefore) {
    const message = `the certificate is valid from ${facts.notBefore.toISOString()}; here it is ${now.toISOString()}`;
    return { ok: false, code: "CERTIFICATE_NOT_YET_VALID", message };
  }
  if (now > facts.notAfter) {
    const message = `the certificate ended at ${facts.notAfter.toISOString()}; here it is ${now.toISOString()}`;
    return { ok: false, code: "CERTIFICATE_EXPIRED", message };
  }
  return { ok: true, ...facts };
}

function parse(presented: X509Certificate | Uint8Array | string): X509Certificate | undefined {
  if (presented instanceof X509Certificate) return presented;
  try {
    return new X509Certificate(presented);
  } catch {
    return undefined;
  }
}
