import type { HostPolicy, RepositoryEntry } from "@holdfast/protocol";
import { HoldfastError } from "../../errors.ts";
import { isEnrolled } from "../../identity/client-identity.ts";
import { openSpool } from "../../spool/spool.ts";
import { NO_TELLING, type Telling } from "./port.ts";
import { createTeller } from "./teller.ts";

export type TellingWish = {
  stateDir: string;
  /** Those of the host's own configuration. */
  repositories: readonly RepositoryEntry[];
  now: () => Date;
  warn: (sentence: string) => void;
};

/** How this host tells of its runs: not at all while it is not enrolled. Throws what opening the spool throws. */
export async function openTelling(wish: TellingWish): Promise<{ telling: Telling; close: () => void }> {
  const { stateDir, repositories, now, warn } = wish;
  if (!(await hasController(stateDir))) return { telling: NO_TELLING, close: () => undefined };
  const spool = openSpool(stateDir, { now, log: (_level, message) => warn(message) });
  const pathOf = repositoryPaths(repositories, spool.policy.get());
  return { telling: createTeller({ spool, stateDir, pathOf, now, warn }), close: spool.close };
}

/** An identity that is damaged or cannot be read will come back: what happens meanwhile is told then. */
async function hasController(stateDir: string): Promise<boolean> {
  try {
    return await isEnrolled(stateDir);
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "IDENTITY_INVALID") return true;
    throw error;
  }
}

/** Where a repository is by its id, the host's own word going before the controller's. */
function repositoryPaths(
  own: readonly Pick<RepositoryEntry, "repository_id" | "path">[],
  policy: HostPolicy | null,
): (repositoryId: string) => string | undefined {
  const fromPolicy = policy?.repositories ?? [];
  return (repositoryId) => [...own, ...fromPolicy].map(placeOf).find((known) => known?.id === repositoryId)?.path;
}

function placeOf({ repository_id: id, path }: { repository_id: string; path?: unknown }) {
  return typeof path === "string" ? { id, path } : undefined;
}
