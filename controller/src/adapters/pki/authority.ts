/** The controller's own certificate authority: a root, which agents pin, and an issuing authority, which signs. */
import { createHash, createPublicKey, generateKeyPair, type KeyObject, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { ControllerError } from "../../errors.ts";
import {
  type AuthorityFiles,
  type AuthorityParts,
  readAuthority,
  removePartials,
  writeAuthority,
} from "./authority-files.ts";
import { newSerial, writeCertificate } from "./x509.ts";

const newKeys = promisify(generateKeyPair);
/** 128 bits of strength, which 2048 does not have, for keys that live 20 years; 4096 would slow every handshake. */
const AUTHORITY_BITS = 3072;
const LIFE_YEARS = 20;
/** Hosts whose clock is behind by up to this can still verify a certificate that was made just now. */
export const CLOCK_TOLERANCE_MS = 24 * 3_600_000;

export type Authority = {
  /** sha256 of the root's DER, hex: what tokens carry and agents pin. */
  rootFingerprint: string;
  rootPem: string;
  issuingPem: string;
  root: AuthorityParts["root"];
  issuing: AuthorityParts["issuing"];
  issuingKey: KeyObject;
};

/** sha256 of a certificate's DER, hex. */
export function fingerprintOf(certificate: { raw: Uint8Array }): string {
  return createHash("sha256").update(certificate.raw).digest("hex");
}

/**
 * Opens the authority in `folder`, and makes it at the first start. Files are 0600. BAD_CONFIG when it is there but
 * incomplete, damaged or outlived: it is never made anew over an old one, because every agent would have to enrol again.
 */
export async function openAuthority(folder: string, now: Date): Promise<Authority> {
  const parts = (await readAuthority(folder)) ?? (await makeAuthority(folder, now));
  await removePartials(folder);
  for (const certificate of [parts.root, parts.issuing])
    if (certificate.validToDate <= now)
      throw new ControllerError("BAD_CONFIG", {
        message: `the certificate authority in ${folder} ended at ${certificate.validToDate.toISOString()}`,
        details: "Check this machine's clock. If it is right, move the folder away and enrol every agent again.",
      });
  return {
    ...parts,
    rootFingerprint: fingerprintOf(parts.root),
    rootPem: parts.root.toString(),
    issuingPem: parts.issuing.toString(),
  };
}

async function makeAuthority(folder: string, now: Date): Promise<AuthorityParts> {
  await writeAuthority(folder, await newAuthority(now));
  const parts = await readAuthority(folder);
  if (parts === undefined) throw new ControllerError("INTERNAL_ERROR", { message: `${folder} vanished` });
  return parts;
}

async function newAuthority(now: Date): Promise<AuthorityFiles> {
  const [rootKeys, issuingKeys] = await Promise.all([authorityKeys(), authorityKeys()]);
  const mark = randomBytes(4).toString("hex");
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(now.getUTCFullYear() + LIFE_YEARS);
  const common = { notBefore: new Date(now.getTime() - CLOCK_TOLERANCE_MS), notAfter };
  const rootName = `Holdfast root ${mark}`;
  const issuer = { commonName: rootName, key: rootKeys.privateKey, publicKey: rootKeys.publicKey };
  const certificate = (kind: "root" | "issuing", commonName: string, publicKey: KeyObject): string =>
    writeCertificate({ ...common, kind, issuer, subject: { commonName }, publicKey, serial: newSerial() });
  return {
    "root.pem": certificate("root", rootName, rootKeys.publicKey),
    "root.key": pemOf(rootKeys.privateKey),
    "issuing.pem": certificate("issuing", `Holdfast issuing ${mark}`, issuingKeys.publicKey),
    "issuing.key": pemOf(issuingKeys.privateKey),
  };
}

async function authorityKeys(): Promise<{ privateKey: KeyObject; publicKey: KeyObject }> {
  const { privateKey } = await newKeys("rsa", { modulusLength: AUTHORITY_BITS });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}
