/** Which repository a command means. */
import { resolve } from "node:path";
import { nearest } from "../config/did-you-mean.ts";
import { asHoldfastError, type HoldfastError } from "../errors.ts";
import { openRepository, type Repository } from "../repository/marker.ts";
import type { ProtectedRepository } from "../service/policy/protect.ts";
import { usageError } from "./answer.ts";
import { exitCodeOf } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import type { HostConfig } from "./host-config.ts";

type KnownRepositories = Pick<HostConfig, "repositories">;

/** The repository of this host that an id or a path names; undefined when none does. */
export function configuredRepository(config: KnownRepositories, idOrPath: string): ProtectedRepository | undefined {
  const path = resolve(idOrPath);
  return (
    config.repositories.find((entry) => entry.repository_id === idOrPath) ??
    config.repositories.find((entry) => resolve(entry.path) === path)
  );
}

/** Opens a repository by its configured id or its path. BAD_REQUEST when the id is not configured. */
export async function namedRepository(config: KnownRepositories, idOrPath: string): Promise<Repository> {
  const entry = configuredRepository(config, idOrPath);
  if (entry !== undefined) return await openRepository(entry.path, entry.repository_id);
  if (/[/\\]|^\.+$/.test(idOrPath)) return await openRepository(idOrPath);
  const known = config.repositories.map(({ repository_id }) => repository_id);
  const near = nearest(idOrPath, known);
  throw usageError(
    `no repository ${JSON.stringify(idOrPath)} is configured`,
    near === undefined
      ? `Give its path (./${idOrPath}), or one of: ${known.join(", ") || "none"}.`
      : `Did you mean ${near}?`,
  );
}

/**
 * The repositories in question: the one that was named, else all that are configured. Of these, one that cannot be
 * opened does not stand in the way of the others: it is warned of and counted among the host's troubles.
 */
export async function askedRepositories(host: Host, idOrPath: string | undefined): Promise<Repository[]> {
  const { config } = host;
  if (idOrPath !== undefined) return [await namedRepository(config, idOrPath)];
  if (config.repositories.length === 0)
    throw usageError("no repository is configured", "Name one with --repository PATH, or add it to the configuration.");
  const opened: Repository[] = [];
  const failed: HoldfastError[] = [];
  for (const { path, repository_id } of config.repositories)
    await openRepository(path, repository_id).then(
      (repository) => opened.push(repository),
      (error: unknown) => failed.push(asHoldfastError(error, `opening ${path}`)),
    );
  const [first] = failed;
  if (first !== undefined && opened.length === 0) throw first;
  for (const error of failed) host.warn(`${error.message}; that repository was left out`);
  host.troubles.push(...failed.map(exitCodeOf));
  return opened;
}

/** Who defined the repository at a path; null: nobody, it was named by that path. */
export type Origin = ProtectedRepository["origin"] | null;

export function originOf(config: KnownRepositories, path: string): Origin {
  return configuredRepository(config, path)?.origin ?? null;
}

/** For people; nothing to say of the host's own. */
export function originText(origin: Origin): string {
  return origin === "controller" ? " (defined by the controller)" : "";
}
