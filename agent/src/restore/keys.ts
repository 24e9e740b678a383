import type { Sidecar } from "@holdfast/protocol";
import { HoldfastError } from "../errors.ts";

/** What opens the encrypted backups of a repository; `mapKey` has 32 bytes. */
export type BackupKeys = { passphrase: Uint8Array; mapKey: Uint8Array };

/** Id under which a job's QEMU knows the passphrase of the LUKS containers. */
export const LUKS_SECRET = "holdfast-luks";

/** The secrets that QEMU needs for these backups. ENCRYPTION_NOT_READY when there is no key for one of them. */
export function secretsFor(layers: readonly Sidecar[], keys: BackupKeys | null): Map<string, Uint8Array> {
  const encrypted = layers.find((layer) => layer.image.encryption !== null);
  if (encrypted === undefined) return new Map();
  return new Map([[LUKS_SECRET, needKeys(encrypted, keys).passphrase]]);
}

/** The key of a backup's hash map, undefined when the map is not encrypted. ENCRYPTION_NOT_READY without keys. */
export function mapKeyFor(backup: Sidecar, keys: BackupKeys | null): Uint8Array | undefined {
  return backup.hash_map.encrypted ? needKeys(backup, keys).mapKey : undefined;
}

function needKeys(backup: Sidecar, keys: BackupKeys | null): BackupKeys {
  if (keys !== null) return keys;
  const { encryption } = backup.image;
  const wanted = encryption === null ? "" : ` (key ${encryption.key_id} or recovery key ${encryption.recovery_key_id})`;
  throw new HoldfastError("ENCRYPTION_NOT_READY", {
    message: `${backup.backup_id} is encrypted and there is no key for it on this host${wanted}`,
    remedy: "Bring the repository's key back, or import its recovery key, then try again.",
  });
}

/** For a key that is there and opens nothing. */
export function wrongKey(what: string, cause: unknown): HoldfastError {
  return new HoldfastError("ENCRYPTION_NOT_READY", {
    message: `the key on this host does not open ${what}`,
    remedy: "Import the recovery key that was written out for this repository, then try again.",
    cause,
  });
}
