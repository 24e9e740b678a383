/** Writing X.509 certificates: node-forge knows the format, Node's crypto holds the keys and signs. */
import { createHash, type KeyObject, randomBytes, sign } from "node:crypto";
import forge from "node-forge";

const { asn1, pki } = forge;
const SHA256_WITH_RSA = "1.2.840.113549.1.1.11";

type Name = { commonName: string };
type AlternativeName = { uri: string } | { dns: string } | { ip: string };

export type CertificatePlan = {
  subject: Name;
  publicKey: KeyObject;
  issuer: Name & { key: KeyObject; publicKey: KeyObject };
  /** Hex; see `newSerial`. */
  serial: string;
  notBefore: Date;
  notAfter: Date;
  kind: "root" | "issuing" | "clientAuth" | "serverAuth";
  names?: AlternativeName[];
};

/** A serial number of 16 bytes, positive and always of the same length. */
export function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}

/** The SubjectPublicKeyInfo, DER: what a key's fingerprint is taken of, however it was written before. */
function keyDer(key: KeyObject): Buffer {
  return key.export({ type: "spki", format: "der" });
}

/** sha256 over the SubjectPublicKeyInfo, hex. */
export function keyFingerprint(key: KeyObject): string {
  return createHash("sha256").update(keyDer(key)).digest("hex");
}

/** Names a key inside certificates (RFC 7093, method 1), so that a verifier finds the issuer. */
function keyIdentifier(key: KeyObject): string {
  return createHash("sha256").update(keyDer(key)).digest().subarray(0, 20).toString("latin1");
}

function nameOf({ commonName }: Name): forge.pki.CertificateField[] {
  const text = (name: string, value: string) => ({ name, value, valueTagClass: asn1.Type.UTF8 });
  return [
    text("organizationName", "Holdfast"),
    text("commonName", commonName),
  ] as unknown as forge.pki.CertificateField[];
}

function alternativeName(name: AlternativeName): object {
  if ("uri" in name) return { type: 6, value: name.uri };
  if ("dns" in name) return { type: 2, value: name.dns };
  return { type: 7, ip: name.ip };
}

function extensionsOf(plan: CertificatePlan): object[] {
  const { kind, names = [] } = plan;
  const isAuthority = kind === "root" || kind === "issuing";
  const subjectKey = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OCTETSTRING, false, keyIdentifier(plan.publicKey));
  return [
    { name: "basicConstraints", critical: true, cA: isAuthority, ...(kind === "issuing" && { pathLenConstraint: 0 }) },
    isAuthority
      ? { name: "keyUsage", critical: true, keyCertSign: true, cRLSign: true }
      : { name: "keyUsage", critical: true, digitalSignature: true },
    ...(isAuthority ? [] : [{ name: "extKeyUsage", [kind]: true }]),
    ...(names.length === 0 ? [] : [{ name: "subjectAltName", altNames: names.map(alternativeName) }]),
    { name: "subjectKeyIdentifier", value: subjectKey },
    { name: "authorityKeyIdentifier", keyIdentifier: keyIdentifier(plan.issuer.publicKey) },
  ];
}

/**
 * The certificate as PEM. The same plan gives the same bytes, because an RSA signature of this kind has no randomness.
 * `issuer.key` is RSA; `publicKey` may be of any kind.
 */
export function writeCertificate(plan: CertificatePlan): string {
  const certificate = pki.createCertificate();
  certificate.serialNumber = plan.serial;
  certificate.validity = { notBefore: plan.notBefore, notAfter: plan.notAfter };
  certificate.setSubject(nameOf(plan.subject));
  certificate.setIssuer(nameOf(plan.issuer));
  certificate.setExtensions(extensionsOf(plan));
  certificate.signatureOid = SHA256_WITH_RSA;
  certificate.siginfo.algorithmOid = SHA256_WITH_RSA;
  certificate.signature = "";
  // forge writes RSA keys only, so the issuer's holds the place of the key that is put in.
  certificate.publicKey = pki.publicKeyFromPem(
    plan.issuer.publicKey.export({ type: "spki", format: "pem" }).toString(),
  );
  const whole = pki.certificateToAsn1(certificate);
  const [body, , signature] = whole.value as [forge.asn1.Asn1, forge.asn1.Asn1, forge.asn1.Asn1];
  const keyField = 6;
  (body.value as forge.asn1.Asn1[])[keyField] = asn1.fromDer(keyDer(plan.publicKey).toString("latin1"));
  signature.value = `\0${sign("sha256", toBytes(body), plan.issuer.key).toString("latin1")}`;
  const lines =
    toBytes(whole)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function toBytes(value: forge.asn1.Asn1): Buffer {
  return Buffer.from(asn1.toDer(value).getBytes(), "latin1");
}
