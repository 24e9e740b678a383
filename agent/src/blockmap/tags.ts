/**
 * Fast keyed tags beside the digests: they say that a block is what it was, never what it is. GMAC takes a tenth of
 * sha256's time. Why that is sound: docs/decisions/0008-increments-compare-keyed-tags.md.
 */
import { createCipheriv, createSecretKey, randomBytes } from "node:crypto";
import { TAG_BYTES } from "./segment.ts";

export const TAG_KEY_BYTES = 32;
const NONCE_BYTES = 12;
const OPTIONS = { authTagLength: TAG_BYTES };

/** A key of 256 random bits. It goes along a chain; a full begins with a new one. */
export function newTagKey(): Uint8Array {
  return randomBytes(TAG_KEY_BYTES);
}

/** The tag of a block of a segment; only what was tagged at the same place with the same key can be compared with it. */
export type Tagger = (index: number, block: number, content: Uint8Array) => Buffer;

/**
 * GMAC with AES-256. The nonce is the block's place on the disk, so that equal content has another tag elsewhere, and
 * what is compared has the same nonce.
 */
export function createTagger(key: Uint8Array): Tagger {
  // Made once: to prepare a key that is given as bytes takes five times as long as all the rest.
  const prepared = createSecretKey(key);
  const nonce = Buffer.alloc(NONCE_BYTES);
  return (index, block, content) => {
    nonce.writeUInt32BE(index, 0);
    nonce.writeUInt32BE(block, NONCE_BYTES - 4);
    const mac = createCipheriv("aes-256-gcm", prepared, nonce, OPTIONS);
    mac.setAAD(content);
    mac.final();
    return mac.getAuthTag();
  };
}
