/**
 * The keys of one repository. Two random secrets of 32 bytes: the *primary key*, which the host keeps, and the
 * *recovery key*, which a person keeps. Everything else is derived from them by HKDF-SHA256, each for one purpose.
 */
import { createHash, hkdfSync } from "node:crypto";

export const KEY_BYTES = 32;

/** What the engine needs to write and read encrypted backups. Passphrases are text (base64url), as LUKS takes them. */
export type RepositoryKey = {
  keyId: string;
  passphrase: Uint8Array;
  /** 32 bytes; encrypts hash maps. */
  mapKey: Uint8Array;
  recoveryKeyId: string;
  /** Opens the second slot of every LUKS container. */
  recoveryPassphrase: Uint8Array;
};

/** Everything that follows from a primary key and the recovery passphrase that belongs to it. */
export function deriveRepositoryKey(
  primaryKey: Uint8Array,
  recovery: { recoveryKeyId: string; recoveryPassphrase: Uint8Array },
): RepositoryKey {
  return {
    keyId: keyIdOf(primaryKey),
    passphrase: passphraseFrom(primaryKey, "holdfast luks primary 1"),
    mapKey: derive(primaryKey, "holdfast map key 1"),
    ...recovery,
  };
}

/** A name for a primary key that tells nothing about it. */
export function keyIdOf(primaryKey: Uint8Array): string {
  return `key-${shortDigest("holdfast key id 1", primaryKey)}`;
}

/** A name for a recovery key, and the LUKS passphrase that follows from it. */
export function deriveRecovery(recoveryKey: Uint8Array): { recoveryKeyId: string; recoveryPassphrase: Uint8Array } {
  return {
    recoveryKeyId: `recovery-${shortDigest("holdfast recovery key id 1", recoveryKey)}`,
    recoveryPassphrase: passphraseFrom(recoveryKey, "holdfast luks recovery 1"),
  };
}

/** 32 bytes for one purpose; the salt, when there is one, makes them unique. */
export function derive(key: Uint8Array, purpose: string, salt: Uint8Array = new Uint8Array(0)): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", key, salt, purpose, KEY_BYTES));
}

function passphraseFrom(key: Uint8Array, purpose: string): Uint8Array {
  return Buffer.from(Buffer.from(derive(key, purpose)).toString("base64url"));
}

function shortDigest(purpose: string, key: Uint8Array): string {
  return createHash("sha256").update(purpose).update(key).digest("hex").slice(0, 16);
}
