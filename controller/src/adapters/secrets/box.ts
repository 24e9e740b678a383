/** Passwords and keys of other systems as they lie in the database: sealed with a key that lies beside it, not in it. */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

export type SecretBox = {
  /** `context`: what the secret belongs to; it opens for nothing else. */
  seal(secret: string, context: string): string;
  /** Throws when the text was not sealed with this key for this context. */
  open(sealed: string, context: string): string;
};

export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = "v1";

/** AES-256-GCM; `v1.<nonce>.<ciphertext and tag>`, both base64url. RangeError for a key that has not `KEY_BYTES`. */
export function secretBox(key: Buffer): SecretBox {
  if (key.length !== KEY_BYTES) throw new RangeError(`a key of ${KEY_BYTES} bytes is needed`);
  return {
    seal(secret, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(context));
      const sealed = Buffer.concat([cipher.update(secret, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return [VERSION, nonce.toString("base64url"), sealed.toString("base64url")].join(".");
    },
    open(text, context) {
      const [version, nonceText = "", sealedText = "", ...rest] = text.split(".");
      const nonce = Buffer.from(nonceText, "base64url");
      const sealed = Buffer.from(sealedText, "base64url");
      if (version !== VERSION || rest.length > 0 || nonce.length !== NONCE_BYTES || sealed.length < TAG_BYTES)
        throw new Error("this is not a sealed secret");
      const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]).toString("utf8");
    },
  };
}
