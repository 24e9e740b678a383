/** `hfk1.<key id>.<secret>`: the secret is shown once and kept as its sha256 only. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

const KEY = /^hfk1\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{43})$/;

export type NewKey = { keyId: string; text: string; secretHash: string };

/** 32 random bytes need no slow hash: there is nothing to guess. */
export function newKey(): NewKey {
  const keyId = randomBytes(12).toString("base64url");
  const secret = randomBytes(32).toString("base64url");
  return { keyId, text: `hfk1.${keyId}.${secret}`, secretHash: hashSecret(secret) };
}

/** The parts of a key; null when the text is none. */
export function parseKey(text: string): { keyId: string; secret: string } | null {
  const [, keyId, secret] = KEY.exec(text) ?? [];
  return keyId === undefined || secret === undefined ? null : { keyId, secret };
}

/** Takes as long whether the hash is right, wrong or of no key at all (null). */
export function isSecret(secret: string, secretHash: string | null): boolean {
  const given = createHash("sha256").update(secret).digest();
  const kept = Buffer.from(secretHash ?? "", "hex");
  const isComparable = kept.length === given.length;
  return timingSafeEqual(given, isComparable ? kept : randomBytes(given.length)) && isComparable;
}

function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
