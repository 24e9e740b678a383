/** Certificates that the issuing authority signs: for agents, and for the controller's own two ports. */
import { generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { CONTROLLER_NAME } from "@holdfast/protocol";
import { type Authority, CLOCK_TOLERANCE_MS, fingerprintOf } from "./authority.ts";
import type { CertificateRequest } from "./request.ts";
import { newSerial, writeCertificate } from "./x509.ts";

export const AGENT_URN = "urn:holdfast:agent:";
const LIFE_MS = 30 * 24 * 3_600_000;
/** Only this controller's clock looks at it, and clocks are set back by a little. */
const AGENT_BACKDATE_MS = 5 * 60_000;
const SECOND = 1000;

export type IssuedCertificate = {
  /** Leaf, then the issuing authority; PEM. */
  chain: string;
  /** sha256 of the leaf's DER, hex. */
  fingerprint: string;
  serial: string;
  keyFingerprint: string;
  notBefore: Date;
  notAfter: Date;
};

export type AgentLeaf = {
  request: CertificateRequest;
  agentId: string;
  serial: string;
  notBefore: Date;
  notAfter: Date;
};

/** What a new certificate for an agent says, 30 days long; `issueAgentCertificate` turns it into the certificate. */
export function planAgentCertificate(request: CertificateRequest, agentId: string, now: Date): AgentLeaf {
  const notBefore = wholeSecond(now.getTime() - AGENT_BACKDATE_MS);
  return { request, agentId, serial: newSerial(), notBefore, notAfter: wholeSecond(now.getTime() + LIFE_MS) };
}

/**
 * The certificate of an agent, for use as a client only. Everything in it but the key is ours. The same plan always gives
 * the same bytes, so that one whose answer was lost need not be kept to be given again.
 */
export function issueAgentCertificate(authority: Authority, leaf: AgentLeaf): IssuedCertificate {
  const { request, agentId, serial, notBefore, notAfter } = leaf;
  const pem = writeCertificate({
    kind: "clientAuth",
    subject: { commonName: agentId },
    names: [{ uri: `${AGENT_URN}${agentId}` }],
    publicKey: request.publicKey,
    issuer: issuerOf(authority),
    serial,
    notBefore,
    notAfter,
  });
  const fingerprint = fingerprintOf(new X509Certificate(pem));
  const chain = `${pem}${authority.issuingPem}`;
  return { chain, fingerprint, serial, keyFingerprint: request.keyFingerprint, notBefore, notAfter };
}

export type ServerCertificate = {
  key: string;
  /** Leaf, issuing authority and root, so that a new agent finds the root whose fingerprint its token carries; PEM. */
  cert: string;
  notBefore: Date;
  notAfter: Date;
};

/** A certificate for one of the controller's ports, valid for `names` (DNS or IP) and CONTROLLER_NAME; the key is new. */
export function issueServerCertificate(authority: Authority, names: readonly string[], now: Date): ServerCertificate {
  // Not RSA: the server signs at every handshake, and P-256 costs it a twentieth.
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const notBefore = wholeSecond(
    Math.max(now.getTime() - CLOCK_TOLERANCE_MS, authority.issuing.validFromDate.getTime()),
  );
  const notAfter = wholeSecond(now.getTime() + LIFE_MS);
  const all = [...new Set([CONTROLLER_NAME, ...names])];
  const leaf = writeCertificate({
    kind: "serverAuth",
    subject: { commonName: CONTROLLER_NAME },
    names: all.map((name) => (isIP(name) === 0 ? { dns: name } : { ip: name })),
    publicKey,
    issuer: issuerOf(authority),
    serial: newSerial(),
    notBefore,
    notAfter,
  });
  const cert = `${leaf}${authority.issuingPem}${authority.rootPem}`;
  return { key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(), cert, notBefore, notAfter };
}

function issuerOf(authority: Authority): { commonName: string; key: KeyObject; publicKey: KeyObject } {
  const commonName = /^CN=(.+)$/m.exec(authority.issuing.subject)?.[1] ?? "";
  return { commonName, key: authority.issuingKey, publicKey: authority.issuing.publicKey };
}

/** Certificates know whole seconds only; what is stored must say the same. */
function wholeSecond(time: number): Date {
  return new Date(Math.floor(time / SECOND) * SECOND);
}
