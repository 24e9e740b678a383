/** What protects each record of a map file: a checksum in a plain map, AES-256-GCM in an encrypted one. */
import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { crc32 } from "node:zlib";

/** Length of the salt in the header from which the key of one file is derived. */
export const SALT_BYTES = 32;
export const KEY_BYTES = 32;

const TAG_BYTES = 16;
const CRC_BYTES = 4;
const NONCE_BYTES = 12;
const KEY_PURPOSE = "holdfast block map 1";

/**
 * `position` numbers the records of a file and `context` is what the payload belongs to; both are authenticated, so
 * that no record can be moved, repeated or taken to another file. `open` gives null when anything does not match.
 */
export type Seal = {
  /** Bytes that sealing adds. */
  overhead: number;
  seal(position: number, context: Uint8Array, payload: Uint8Array): Buffer;
  open(position: number, context: Uint8Array, sealed: Uint8Array): Buffer | null;
};

/** A 96-bit number that never repeats within a file: the key is the file's own, so the record's position will do. */
function nonceOf(position: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeBigUInt64BE(BigInt(position), NONCE_BYTES - 8);
  return nonce;
}

/** Notices damage, not malice: against that the sidecar holds the digest of the whole file. */
export function checksumSeal(): Seal {
  const checksum = (position: number, context: Uint8Array, payload: Uint8Array): Buffer => {
    const sum = Buffer.alloc(CRC_BYTES);
    sum.writeUInt32LE(crc32(payload, crc32(context, crc32(nonceOf(position)))));
    return sum;
  };
  return {
    overhead: CRC_BYTES,
    seal: (position, context, payload) => Buffer.concat([payload, checksum(position, context, payload)]),
    open: (position, context, sealed) => {
      const payload = Buffer.from(sealed.subarray(0, -CRC_BYTES));
      return checksum(position, context, payload).equals(sealed.subarray(-CRC_BYTES)) ? payload : null;
    },
  };
}

/** AES-256-GCM under a key that HKDF-SHA256 derives for this file from the caller's key and the file's random salt. */
export function encryptingSeal(key: Uint8Array, salt: Uint8Array): Seal {
  const fileKey = Buffer.from(hkdfSync("sha256", key, salt, KEY_PURPOSE, KEY_BYTES));
  return {
    overhead: TAG_BYTES,
    seal: (position, context, payload) => {
      const cipher = createCipheriv("aes-256-gcm", fileKey, nonceOf(position), { authTagLength: TAG_BYTES });
      cipher.setAAD(context);
      return Buffer.concat([cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
    },
    open: (position, context, sealed) => {
      const decipher = createDecipheriv("aes-256-gcm", fileKey, nonceOf(position), { authTagLength: TAG_BYTES });
      decipher.setAAD(context).setAuthTag(sealed.subarray(-TAG_BYTES));
      const payload = decipher.update(sealed.subarray(0, -TAG_BYTES));
      try {
        return Buffer.concat([payload, decipher.final()]);
      } catch {
        return null;
      }
    },
  };
}
