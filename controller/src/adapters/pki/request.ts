/** Reading certificate requests (PKCS #10) of hosts that nobody trusts yet. */
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import forge from "node-forge";
import { ControllerError } from "../../errors.ts";
import { keyFingerprint } from "./x509.ts";

const { asn1 } = forge;
const MAX_PEM = 16_384;
const PEM = /^-----BEGIN CERTIFICATE REQUEST-----\s+([A-Za-z0-9+/=\s]+)-----END CERTIFICATE REQUEST-----$/;
const SHA256_WITH_RSA = "1.2.840.113549.1.1.11";
const MIN_BITS = 2048;
/** Larger keys cost every handshake more than they protect a certificate of 30 days. */
const MAX_BITS = 4096;
const EXPONENT = 65_537n;

/** What is taken from a request: the key, nothing else. Whoever sent it holds the private one. */
export type CertificateRequest = { publicKey: KeyObject; keyFingerprint: string };

type Node = forge.asn1.Asn1;

function refuse(why: string, cause?: unknown): ControllerError {
  const fields = [{ path: "csr", message: why }];
  return new ControllerError("VALIDATION_ERROR", {
    message: `the certificate request is refused: ${why}`,
    fields,
    cause,
  });
}

/**
 * Checks a request: form, kind and size of the key, and its own signature, which proves that the sender holds the
 * private key. Names and extensions in it are not looked at. VALIDATION_ERROR (field `csr`) with the reason.
 */
export function readRequest(csrPem: string): CertificateRequest {
  const der = decode(csrPem);
  const [body, algorithm, signature] = children(parse(der), "the request", 3);
  const [, , key] = children(body, "what is signed", 4);
  const publicKey = readKey(key);
  const [kind] = children(algorithm, "the signature's kind", 1);
  if (typeof kind?.value !== "string" || oidOf(kind.value) !== SHA256_WITH_RSA)
    throw refuse("it must be signed with RSA and SHA-256");
  const bytes = signature?.value;
  if (typeof bytes !== "string" || !toDer(wholeOf(body, bytes)).equals(der)) throw refuse("its form is not DER");
  const isOwn = verify("sha256", toDer(body), publicKey, Buffer.from(bytes.slice(1), "latin1"));
  if (!isOwn) throw refuse("its signature does not fit its key");
  return { publicKey, keyFingerprint: keyFingerprint(publicKey) };
}

/** The one way to write a request with this body and signature: what is not signed must not vary either. */
function wholeOf(body: Node | undefined, signature: string): Node {
  const { Class, Type, create } = asn1;
  const sequence = (...nodes: Node[]): Node => create(Class.UNIVERSAL, Type.SEQUENCE, true, nodes);
  const primitive = (type: forge.asn1.Type, value: string): Node => create(Class.UNIVERSAL, type, false, value);
  const oid = primitive(Type.OID, asn1.oidToDer(SHA256_WITH_RSA).getBytes());
  const algorithm = sequence(oid, primitive(Type.NULL, ""));
  return sequence(body ?? sequence(), algorithm, primitive(Type.BITSTRING, `\0${signature.slice(1)}`));
}

function decode(csrPem: string): Buffer {
  const base64 = csrPem.length > MAX_PEM ? undefined : PEM.exec(csrPem.trim())?.[1];
  if (base64 === undefined) throw refuse("it is not a PKCS #10 request in PEM");
  return Buffer.from(base64, "base64");
}

function parse(der: Buffer): Node {
  try {
    return asn1.fromDer(der.toString("latin1"), true);
  } catch (error) {
    throw refuse("it is damaged", error);
  }
}

function oidOf(bytes: string): string | undefined {
  try {
    return asn1.derToOid(bytes);
  } catch {
    return undefined;
  }
}

function readKey(node: Node | undefined): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: toDer(node), format: "der", type: "spki" });
  } catch (error) {
    throw refuse("its key cannot be read", error);
  }
  const { modulusLength = 0, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== "rsa") throw refuse(`its key is ${key.asymmetricKeyType}, an RSA key is needed`);
  if (modulusLength < MIN_BITS || modulusLength > MAX_BITS)
    throw refuse(`its key has ${modulusLength} bits, ${MIN_BITS} to ${MAX_BITS} are allowed`);
  if (publicExponent !== EXPONENT) throw refuse(`its key's exponent must be ${EXPONENT}`);
  return key;
}

function children(node: Node | undefined, what: string, atLeast: number): Node[] {
  if (Array.isArray(node?.value) && node.value.length >= atLeast) return node.value;
  throw refuse(`it is damaged: ${what} is not complete`);
}

function toDer(node: Node | undefined): Buffer {
  if (node === undefined) throw refuse("it is damaged: its key is missing");
  return Buffer.from(asn1.toDer(node).getBytes(), "latin1");
}
