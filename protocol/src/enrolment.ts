/** How a host gets its identity: a one-time token, a certificate request, a certificate. Over HTTPS. */
import { z } from "zod";
import { sentence, sha256Hex } from "./limits.ts";

/**
 * By this name agents and the command line ask for the controller, whatever its address is: its certificate then ends in
 * the root that they have pinned. No public DNS has it.
 */
export const CONTROLLER_NAME = "enrol.holdfast.internal";

const pem = z.string().min(1).max(16_384);
const TOKEN = /^hfe1\.([A-Za-z0-9_-]{8,32})\.([A-Za-z0-9_-]{43})\.([0-9a-f]{64})$/;

/** What stands in a token. `rootFingerprint`: sha256 of the root CA's certificate (DER), so nothing is trusted unseen. */
export type EnrolmentToken = { tokenId: string; secret: string; rootFingerprint: string };

/** `hfe1.<token id>.<secret, 32 bytes in base64url>.<sha256 of the root certificate, hex>` */
export function formatToken({ tokenId, secret, rootFingerprint }: EnrolmentToken): string {
  return `hfe1.${tokenId}.${secret}.${rootFingerprint}`;
}

/** The token's parts; null when the text is none. */
export function parseToken(text: string): EnrolmentToken | null {
  const [, tokenId, secret, rootFingerprint] = TOKEN.exec(text.trim()) ?? [];
  if (tokenId === undefined || secret === undefined || rootFingerprint === undefined) return null;
  return { tokenId, secret, rootFingerprint };
}

/** POST /api/v1/enrolment. The same token with the same key gets the same answer, so a lost one can be asked for again. */
export const enrolmentRequest = z.object({
  token: z.string().max(300),
  csr: pem,
  hostname: z.string().min(1).max(255),
  platform: z.string().max(100),
  agent_version: z.string().max(50),
});
export type EnrolmentRequest = z.infer<typeof enrolmentRequest>;

/** POST /api/v1/enrolment/renew, for a certificate that expired: `signature` by the old key over the new request's bytes. */
export const renewalRequest = z.object({
  csr: pem,
  /** The expired certificate. */
  certificate: pem,
  /** base64; RSASSA-PKCS1-v1_5 with SHA-256 over the PEM text of `csr`. */
  signature: z.string().max(2000),
});
export type RenewalRequest = z.infer<typeof renewalRequest>;

export const enrolmentAnswer = z.object({
  agent_id: z.uuid(),
  /** Leaf, then the issuing CA; PEM. */
  certificate_chain: z.string().max(65_536),
  root_certificate: pem,
  root_fingerprint: sha256Hex,
  /** Where the link is: `wss://host:port`. */
  agent_url: z.string().max(500),
  message: sentence,
});
export type EnrolmentAnswer = z.infer<typeof enrolmentAnswer>;
