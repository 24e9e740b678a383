/** `holdfast-agent repository key create|confirm|import|passphrase`. No key ever stands on a command line. */
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { asHoldfastError } from "../../errors.ts";
import { confirmKey, createKey, importKey, type KeyPlace, type KeySummary } from "../../keys/key-ring.ts";
import { readRecoveryFile, writeSecretFile } from "../../keys/recovery-file.ts";
import { parseRecoveryKey } from "../../keys/recovery-text.ts";
import { deriveRecovery } from "../../keys/repository-key.ts";
import { type Answer, usageError } from "../answer.ts";
import { EXIT } from "../exit-codes.ts";
import { type GlobalOptions, type Host, withHost } from "../host.ts";
import { namedRepository } from "../repositories.ts";

const LIMIT = 64 * 1024;

/** Makes a repository's key and writes the recovery key out; nothing is encrypted before that is confirmed. */
export async function create(idOrPath: string, options: GlobalOptions & { recoveryOut: string }): Promise<Answer> {
  return await withHost(options, async (host) => {
    const place = await placeOf(host, idOrPath);
    const out = resolve(options.recoveryOut);
    const { warnings, ...summary } = await createKey(place, out, host.now());
    for (const warning of warnings) host.warn(warning);
    const next = `Print it or put it on another medium, then: holdfast-agent repository key confirm ${idOrPath} --recovery-file FILE`;
    return answer(host, place, summary, { recovery_file: out }, `The recovery key is in ${out}.\n${next}`);
  });
}

/** Confirms that the recovery key is at hand; from then on backups are encrypted. */
export async function confirm(idOrPath: string, options: GlobalOptions & { recoveryFile?: string }): Promise<Answer> {
  return await withHost(options, async (host) => {
    const place = await placeOf(host, idOrPath);
    const summary = await confirmKey(place, await givenKey(options.recoveryFile), host.now());
    return answer(host, place, summary, {}, `Confirmed: ${summary.recoveryKeyId} opens ${place.repositoryId}.`);
  });
}

/** Brings a repository's key to this host, from the recovery key. */
export async function importInto(
  idOrPath: string,
  options: GlobalOptions & { recoveryFile?: string },
): Promise<Answer> {
  return await withHost(options, async (host) => {
    const place = await placeOf(host, idOrPath);
    const summary = await importKey(place, await givenKey(options.recoveryFile), host.now());
    return answer(host, place, summary, {}, `This host holds the key of ${place.repositoryId} now (${summary.keyId}).`);
  });
}

/** Writes the LUKS passphrase that follows from a recovery key, for QEMU without Holdfast. Needs no repository. */
export async function passphrase(options: GlobalOptions & { recoveryFile?: string; out: string }): Promise<Answer> {
  const { recoveryKeyId, recoveryPassphrase } = deriveRecovery(await givenKey(options.recoveryFile));
  const out = resolve(options.out);
  await writeSecretFile(out, recoveryPassphrase);
  return {
    document: { recovery_key_id: recoveryKeyId, passphrase_file: out },
    text: () => `The passphrase of ${recoveryKeyId} is in ${out}; docs/recovery-key.md shows how QEMU takes it.`,
    exitCode: EXIT.ok,
  };
}

async function placeOf(host: Host, idOrPath: string): Promise<KeyPlace> {
  const { repositoryId, path } = await namedRepository(host.config, idOrPath);
  const stateDir = host.config.state_dir;
  await mkdir(stateDir, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw asHoldfastError(error, `making the agent's state folder ${stateDir}`);
  });
  return { repositoryId, repositoryPath: path, stateDir };
}

async function givenKey(file: string | undefined): Promise<Uint8Array> {
  if (file !== undefined) return await readRecoveryFile(file);
  if (process.stdin.isTTY) process.stderr.write("Type the recovery key, then Enter and Ctrl-D:\n");
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) {
    text += chunk;
    if (text.length > LIMIT)
      throw usageError("standard input is too long to be a recovery key", "Use --recovery-file.");
  }
  return parseRecoveryKey(text);
}

function answer(host: Host, place: KeyPlace, summary: KeySummary, more: object, text: string): Answer {
  const { keyId, recoveryKeyId, confirmedAt } = summary;
  return {
    document: {
      repository_id: place.repositoryId,
      key_id: keyId,
      recovery_key_id: recoveryKeyId,
      confirmed_at: confirmedAt,
      ...more,
      warnings: host.warnings,
    },
    text: () => text,
    exitCode: EXIT.ok,
  };
}
