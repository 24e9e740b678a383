/** A token's secret is shown once; the store has its sha256 only. 32 random bytes need no slow hash. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

export function newTokenSecret(): { tokenId: string; secret: string; secretHash: string } {
  const secret = randomBytes(32).toString("base64url");
  return { tokenId: randomBytes(9).toString("base64url"), secret, secretHash: digest(secret).toString("hex") };
}

/** Takes as long whether the hash is right, wrong or of no token at all (null). */
export function isTokenSecret(secret: string, secretHash: string | null): boolean {
  const kept = secretHash === null ? randomBytes(32) : Buffer.from(secretHash, "hex");
  return timingSafeEqual(digest(secret), kept);
}

function digest(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
