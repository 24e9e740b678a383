/** Whether what the controller issued is really for this host, before it takes the old one's place. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { HoldfastError } from "../errors.ts";

const END = "-----END CERTIFICATE-----";

export type Expected = {
  privateKey: string;
  /** The pinned root, PEM. */
  root: string;
  agentId: string;
  now: Date;
};

/**
 * Checks a chain (leaf, then what signed it; PEM): it leads to the pinned root, the leaf is for this key and this agent,
 * and has time left. CONTROLLER_UNTRUSTED otherwise.
 */
export function checkChain(chain: string, { privateKey, root, agentId, now }: Expected): void {
  const certificates = parseChain(chain);
  const [leaf] = certificates;
  if (leaf === undefined || !leadsTo(certificates, new X509Certificate(root)))
    throw wrong("does not lead to the root that this host trusts");
  if (!leaf.checkPrivateKey(createPrivateKey(privateKey))) throw wrong("is not for the key that it was asked for");
  if (leaf.subjectAltName !== `URI:urn:holdfast:agent:${agentId}`) throw wrong("is not for this agent");
  if (leaf.validToDate <= now)
    throw new HoldfastError("CONTROLLER_UNTRUSTED", {
      message: `the certificate that the controller issued ended at ${leaf.validToDate.toISOString()} by this host's clock`,
      remedy: "Check the clocks of this host and of the controller.",
    });
}

/** The first certificate of a chain. */
export function leafOf(chain: string): X509Certificate {
  return new X509Certificate(chain);
}

function parseChain(chain: string): X509Certificate[] {
  try {
    const texts = chain.split(END).slice(0, -1);
    return texts.map((text) => new X509Certificate(`${text}${END}\n`));
  } catch {
    return [];
  }
}

function leadsTo(certificates: readonly X509Certificate[], root: X509Certificate): boolean {
  return certificates.every((certificate, index) => {
    const issuer = certificates[index + 1] ?? root;
    return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  });
}

function wrong(what: string): HoldfastError {
  return new HoldfastError("CONTROLLER_UNTRUSTED", {
    message: `the certificate that the controller issued ${what}`,
    remedy: "Nothing was changed here. Look at the controller: it may have been replaced, or be someone else's.",
  });
}
