import type { CertificateRow } from "../../store/certificates.ts";

type Facts = Pick<CertificateRow, "fingerprint" | "serial" | "keyFingerprint" | "notBefore" | "notAfter">;

/** What is stored of a certificate that was made just now. */
export function certificateRow(agentId: string, facts: Facts, issuedAt: Date): CertificateRow {
  const { fingerprint, serial, keyFingerprint, notBefore, notAfter } = facts;
  const times = { notBefore, notAfter, issuedAt, revokedAt: null };
  return { fingerprint, agentId, serial, keyFingerprint, ...times, reason: null };
}
