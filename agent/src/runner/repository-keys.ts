/** The keys of this host that open a repository's backups. */
import { HoldfastError } from "../errors.ts";
import { readHostKey } from "../keys/key-files.ts";
import { type KeyPlace, openHostKey, openWithRecovery } from "../keys/key-ring.ts";
import { readRecoveryFile } from "../keys/recovery-file.ts";
import type { RepositoryKey } from "../keys/repository-key.ts";
import type { Repository } from "../repository/marker.ts";

/** The key that opens a repository's backups, from a recovery file when one is given; null when there is none here. */
export async function readingKey(
  stateDir: string,
  repository: Repository,
  recoveryFile?: string,
): Promise<RepositoryKey | null> {
  const place = placeOf(stateDir, repository);
  if (recoveryFile === undefined) return await openHostKey(place, "read");
  return await openWithRecovery(place, await readRecoveryFile(recoveryFile));
}

/**
 * The key for new backups; null when they are not to be encrypted. ENCRYPTION_NOT_READY until the key is confirmed,
 * CONFLICT for plain backups in a repository that has a confirmed key.
 */
export async function writingKey(
  stateDir: string,
  repository: Repository,
  encrypt: boolean,
): Promise<RepositoryKey | null> {
  if (encrypt) return await openHostKey(placeOf(stateDir, repository), "write");
  const known = await readHostKey(stateDir, repository.repositoryId);
  if (known === undefined || known.confirmed_at === null) return null;
  throw new HoldfastError("CONFLICT", {
    message: `the repository ${repository.repositoryId} has a key, but this backup would not be encrypted`,
    remedy: 'Set "encryption": true for it in the configuration (or give --encrypt).',
  });
}

function placeOf(stateDir: string, { repositoryId, path }: Repository): KeyPlace {
  return { repositoryId, repositoryPath: path, stateDir };
}
