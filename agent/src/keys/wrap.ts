/** A primary key sealed under the recovery key (HKDF-SHA256, AES-256-GCM), as `holdfast-keys.json` holds it. */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { z } from "zod";
import { derive, KEY_BYTES } from "./repository-key.ts";

const NONCE_BYTES = 12;
const SALT_BYTES = 32;
const TAG_BYTES = 16;
const PURPOSE = "holdfast key wrap 1";
const base64 = (bytes: number) => z.base64().refine((text) => Buffer.from(text, "base64").length === bytes);

export const wrappedKey = z.object({
  algorithm: z.literal("hkdf-sha256+aes-256-gcm"),
  salt: base64(SALT_BYTES),
  nonce: base64(NONCE_BYTES),
  ciphertext: base64(KEY_BYTES),
  tag: base64(TAG_BYTES),
});
export type WrappedKey = z.infer<typeof wrappedKey>;

/** Seals a primary key. `context` names what it belongs to and is authenticated with it. */
export function wrapKey(primaryKey: Uint8Array, recoveryKey: Uint8Array, context: string): WrappedKey {
  const salt = randomBytes(SALT_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", derive(recoveryKey, PURPOSE, salt), nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(context));
  const ciphertext = Buffer.concat([cipher.update(primaryKey), cipher.final()]);
  const text = (bytes: Buffer) => bytes.toString("base64");
  return {
    algorithm: "hkdf-sha256+aes-256-gcm",
    salt: text(salt),
    nonce: text(nonce),
    ciphertext: text(ciphertext),
    tag: text(cipher.getAuthTag()),
  };
}

/** The primary key, or null when the recovery key or the context is another one, or a bit was changed. */
export function unwrapKey(wrapped: WrappedKey, recoveryKey: Uint8Array, context: string): Uint8Array | null {
  const bytes = (text: string) => Buffer.from(text, "base64");
  const key = derive(recoveryKey, PURPOSE, bytes(wrapped.salt));
  const decipher = createDecipheriv("aes-256-gcm", key, bytes(wrapped.nonce), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(context)).setAuthTag(bytes(wrapped.tag));
  try {
    return new Uint8Array(Buffer.concat([decipher.update(bytes(wrapped.ciphertext)), decipher.final()]));
  } catch {
    return null;
  }
}
