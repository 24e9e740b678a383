/** The host's own keys and the requests made with them. A private key is made here and never leaves the host. */
import { createPrivateKey, createPublicKey, generateKeyPair, sign } from "node:crypto";
import { promisify } from "node:util";

const newKeyPair = promisify(generateKeyPair);
/** For a certificate of 30 days; larger keys make every connection slower on the controller. */
const BITS = 2048;
const SHA256_WITH_RSA = "1.2.840.113549.1.1.11";

/** A new private key, PEM (PKCS #8). */
export async function newPrivateKey(): Promise<string> {
  const { privateKey } = await newKeyPair("rsa", { modulusLength: BITS });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/**
 * A request (PKCS #10, PEM) for a certificate for this key, signed with it. The same key always gives the same request.
 * It names nobody: the controller decides what stands in the certificate.
 */
export async function certificateRequest(privateKey: string): Promise<string> {
  // Loaded when needed: no other command of the agent should wait for it.
  const { default: forge } = await import("node-forge");
  const { asn1, pki } = forge;
  const key = createPrivateKey(privateKey);
  const request = pki.createCertificationRequest();
  request.publicKey = pki.publicKeyFromPem(createPublicKey(key).export({ type: "spki", format: "pem" }).toString());
  request.signatureOid = SHA256_WITH_RSA;
  request.signature = "";
  const whole = pki.certificationRequestToAsn1(request);
  const [body, , signature] = whole.value as [Node, Node, Node];
  type Node = typeof whole;
  const toBytes = (node: Node): Buffer => Buffer.from(asn1.toDer(node).getBytes(), "latin1");
  signature.value = `\0${sign("sha256", toBytes(body), key).toString("latin1")}`;
  const lines =
    toBytes(whole)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join("\n")}\n-----END CERTIFICATE REQUEST-----\n`;
}
