/** Making, confirming and opening the key of a repository. */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { rm } from "node:fs/promises";
import { HoldfastError } from "../errors.ts";
import {
  type HostKey,
  type RepositoryKeys,
  readHostKey,
  readRepositoryKeys,
  writeHostKey,
  writeRepositoryKeys,
} from "./key-files.ts";
import { placeWarnings, writeRecoveryFile } from "./recovery-file.ts";
import { deriveRecovery, deriveRepositoryKey, KEY_BYTES, keyIdOf, type RepositoryKey } from "./repository-key.ts";
import { unwrapKey, wrapKey } from "./wrap.ts";

/** Where a repository is and where this host keeps its keys. */
export type KeyPlace = { repositoryId: string; repositoryPath: string; stateDir: string };

export type KeySummary = { keyId: string; recoveryKeyId: string; confirmedAt: string | null };

/**
 * Makes the key of a repository and writes the recovery key to `recoveryOut`, which must not exist. CONFLICT when the
 * repository has a key that is confirmed or that another host made; one never confirmed encrypted nothing and is
 * replaced. Warnings say why the file's place is a bad one.
 */
export async function createKey(
  place: KeyPlace,
  recoveryOut: string,
  at: Date,
): Promise<KeySummary & { warnings: string[] }> {
  const replaced = await refuseExisting(place);
  const primaryKey = randomBytes(KEY_BYTES);
  const recoveryKey = randomBytes(KEY_BYTES);
  const { recoveryKeyId, recoveryPassphrase } = deriveRecovery(recoveryKey);
  const keyId = keyIdOf(primaryKey);
  const keys: RepositoryKeys = {
    schema: "holdfast.keys/1",
    repository_id: place.repositoryId,
    key_id: keyId,
    recovery_key_id: recoveryKeyId,
    wrapped: wrapKey(primaryKey, recoveryKey, contextOf(place.repositoryId, keyId)),
    created_at: at.toISOString(),
  };
  await writeRecoveryFile(recoveryOut, { recoveryKey, recoveryKeyId, repositoryId: place.repositoryId, at });
  try {
    await writeHostKey(place.stateDir, place.repositoryId, hostKeyOf(primaryKey, recoveryPassphrase, keys, null));
    await writeRepositoryKeys(place.repositoryPath, keys);
  } catch (error) {
    await rm(recoveryOut, { force: true });
    throw error;
  }
  const warnings = await placeWarnings(recoveryOut, place);
  if (replaced !== undefined)
    warnings.push(`The recovery key ${replaced} written out before is worthless now; destroy it.`);
  return { keyId, recoveryKeyId, confirmedAt: null, warnings };
}

/** Shows that a person holds the recovery key: it must open the sealed key in the repository itself. */
export async function confirmKey(place: KeyPlace, recoveryKey: Uint8Array, at: Date): Promise<KeySummary> {
  const host = await readHostKey(place.stateDir, place.repositoryId);
  if (host === undefined) throw noKey(place.repositoryId);
  await repairRepositoryKeys(place, host);
  const { primaryKey } = await unsealRepository(place, recoveryKey);
  if (!timingSafeEqual(primaryKey, Buffer.from(host.primary_key, "base64"))) throw wrongRecoveryKey(host.keys);
  const confirmedAt = host.confirmed_at ?? at.toISOString();
  await writeHostKey(place.stateDir, place.repositoryId, { ...host, confirmed_at: confirmedAt });
  return { keyId: host.keys.key_id, recoveryKeyId: host.keys.recovery_key_id, confirmedAt };
}

/** Gives a host (a new one, after the old one burnt) the key of a repository. CONFLICT when it has another one. */
export async function importKey(place: KeyPlace, recoveryKey: Uint8Array, at: Date): Promise<KeySummary> {
  const { primaryKey, keys } = await unsealRepository(place, recoveryKey);
  const host = await readHostKey(place.stateDir, place.repositoryId);
  if (host !== undefined && host.keys.key_id !== keys.key_id)
    throw new HoldfastError("CONFLICT", {
      message: `this host holds another key (${host.keys.key_id}) for the repository ${place.repositoryId}`,
      remedy: `Move ${place.stateDir}/keys/${place.repositoryId}.json away first, if it is not needed.`,
    });
  const { recoveryPassphrase } = deriveRecovery(recoveryKey);
  const own = hostKeyOf(primaryKey, recoveryPassphrase, keys, at.toISOString());
  await writeHostKey(place.stateDir, place.repositoryId, own);
  return { keyId: keys.key_id, recoveryKeyId: keys.recovery_key_id, confirmedAt: own.confirmed_at };
}

/**
 * The host's key for reading and writing; null when it has none. Writes the repository's sealed copy again when that
 * is missing. For writing, ENCRYPTION_NOT_READY while the recovery key is unconfirmed or there is no key.
 */
export async function openHostKey(place: KeyPlace, use: "read" | "write"): Promise<RepositoryKey | null> {
  const host = await readHostKey(place.stateDir, place.repositoryId);
  if (host === undefined && use === "read") return null;
  if (host === undefined) throw noKey(place.repositoryId);
  if (use === "write" && host.confirmed_at === null) throw unconfirmed(place.repositoryId);
  if (use === "write") await repairRepositoryKeys(place, host);
  return deriveRepositoryKey(Buffer.from(host.primary_key, "base64"), {
    recoveryKeyId: host.keys.recovery_key_id,
    recoveryPassphrase: Buffer.from(host.recovery_passphrase),
  });
}

/** Opens a repository with the recovery key alone. BAD_REQUEST when it is another repository's. */
export async function openWithRecovery(
  place: Pick<KeyPlace, "repositoryId" | "repositoryPath">,
  recoveryKey: Uint8Array,
): Promise<RepositoryKey> {
  const { primaryKey } = await unsealRepository(place, recoveryKey);
  return deriveRepositoryKey(primaryKey, deriveRecovery(recoveryKey));
}

async function unsealRepository(
  { repositoryId, repositoryPath }: Pick<KeyPlace, "repositoryId" | "repositoryPath">,
  recoveryKey: Uint8Array,
): Promise<{ primaryKey: Uint8Array; keys: RepositoryKeys }> {
  const keys = await readRepositoryKeys(repositoryPath);
  if (keys === undefined)
    throw new HoldfastError("NOT_FOUND", {
      message: `${repositoryPath} holds no holdfast-keys.json`,
      remedy:
        "If the host that made the backups still runs, its next backup writes the file again; else see docs/recovery-key.md on opening the images with QEMU alone.",
    });
  const primaryKey = unwrapKey(keys.wrapped, recoveryKey, contextOf(repositoryId, keys.key_id));
  if (primaryKey === null || keyIdOf(primaryKey) !== keys.key_id) throw wrongRecoveryKey(keys);
  return { primaryKey, keys };
}

async function repairRepositoryKeys(place: KeyPlace, host: HostKey): Promise<void> {
  const there = await readRepositoryKeys(place.repositoryPath).catch(() => undefined);
  if (there?.key_id === host.keys.key_id) return;
  if (there === undefined) return await writeRepositoryKeys(place.repositoryPath, host.keys);
  throw new HoldfastError("CONFLICT", {
    message: `the repository ${place.repositoryId} has the key ${there.key_id}, this host ${host.keys.key_id}`,
    remedy: "Correct the repository's path, or take over its key with `holdfast-agent repository key import`.",
  });
}

async function refuseExisting(place: KeyPlace): Promise<string | undefined> {
  const host = await readHostKey(place.stateDir, place.repositoryId);
  const there = await readRepositoryKeys(place.repositoryPath);
  if (host !== undefined && host.confirmed_at !== null)
    throw new HoldfastError("CONFLICT", {
      message: `the repository ${place.repositoryId} has a key already (${host.keys.key_id})`,
      remedy: "Keep using it; its recovery key was confirmed.",
    });
  if (there !== undefined && there.key_id !== host?.keys.key_id)
    throw new HoldfastError("CONFLICT", {
      message: `the repository ${place.repositoryId} has a key (${there.key_id}) that this host does not hold`,
      remedy: "Bring it here with `holdfast-agent repository key import` and the recovery key.",
    });
  return host?.keys.recovery_key_id;
}

function hostKeyOf(
  primaryKey: Uint8Array,
  recoveryPassphrase: Uint8Array,
  keys: RepositoryKeys,
  confirmedAt: string | null,
): HostKey {
  return {
    schema: "holdfast.host-key/1",
    primary_key: Buffer.from(primaryKey).toString("base64"),
    recovery_passphrase: Buffer.from(recoveryPassphrase).toString(),
    confirmed_at: confirmedAt,
    keys,
  };
}

const contextOf = (repositoryId: string, keyId: string): string => `${repositoryId} ${keyId}`;

function noKey(repositoryId: string): HoldfastError {
  return new HoldfastError("ENCRYPTION_NOT_READY", {
    message: `the repository ${repositoryId} is to be encrypted but has no key on this host`,
    remedy: `Make one: holdfast-agent repository key create ${repositoryId} --recovery-out FILE, then \`key confirm\`.`,
  });
}

function unconfirmed(repositoryId: string): HoldfastError {
  return new HoldfastError("ENCRYPTION_NOT_READY", {
    message: `the recovery key of the repository ${repositoryId} was never confirmed`,
    remedy: `Show that you hold it: holdfast-agent repository key confirm ${repositoryId} --recovery-file FILE.`,
  });
}

function wrongRecoveryKey(keys: RepositoryKeys): HoldfastError {
  return new HoldfastError("BAD_REQUEST", {
    message: "this recovery key does not open the repository's key",
    remedy: `Use the recovery key ${keys.recovery_key_id}, written ${keys.created_at}.`,
  });
}
