import { resolve } from "node:path";
import type { RepositoryEntry } from "@holdfast/protocol";
import { HoldfastError } from "../../errors.ts";
import { initRepository, readMarker } from "../../repository/marker.ts";
import type { Spool } from "../../spool/port.ts";

/**
 * Makes what a controller defined a repository, once; later it is only used. Then one that is empty is not mounted, and
 * a second one must not be made under its mount point. Errors as `initRepository`.
 */
export async function makeRepositoryOnce(
  spool: Pick<Spool, "facts" | "record">,
  entry: RepositoryEntry,
): Promise<void> {
  const path = resolve(entry.path);
  const subject = `made/${entry.repository_id}/${path}`;
  const isMade = spool.facts.told(subject).some((fact) => fact.subject === subject);
  if (isMade) return await refuseOther(path, entry.repository_id);
  await initRepository(path, entry.repository_id, entry.kind);
  spool.record({ tell: [{ subject, generation: spool.facts.generation(), state: "{}" }] });
}

/** REPOSITORY_INVALID when another one is there. One that is away now stays among what is protected, and is said to be absent. */
export async function refuseOther(path: string, repositoryId: string): Promise<void> {
  const found = await readMarker(path).catch(() => undefined);
  if (found === undefined || found.repository_id === repositoryId) return;
  throw new HoldfastError("REPOSITORY_INVALID", {
    message: `${path} is the repository ${found.repository_id}, not ${repositoryId}`,
    remedy: "Choose another path or id.",
  });
}
