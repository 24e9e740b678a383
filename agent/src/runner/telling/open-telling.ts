import type { RepositoryEntry } from "@holdfast/protocol";
import { HoldfastError } from "../../errors.ts";
import { isEnrolled } from "../../identity/client-identity.ts";
import { NO_TELLING, type Telling } from "./port.ts";

export type TellingWish = {
  stateDir: string;
  /** Those that this host protects. */
  repositories: readonly RepositoryEntry[];
  now: () => Date;
  warn: (sentence: string) => void;
};

/** How this host tells of its runs: not at all while it is not enrolled. Throws what opening the spool throws. */
export async function openTelling(wish: TellingWish): Promise<{ telling: Telling; close: () => void }> {
  const { stateDir, repositories, now, warn } = wish;
  if (!(await hasController(stateDir))) return { telling: NO_TELLING, close: () => undefined };
  // Two dozen files that a host without a controller never needs.
  const { openSpool } = await import("../../spool/spool.ts");
  const { createTeller } = await import("./teller.ts");
  const spool = openSpool(stateDir, { now, log: (_level, message) => warn(message) });
  const pathOf = (id: string): string | undefined =>
    repositories.find(({ repository_id }) => repository_id === id)?.path;
  return { telling: createTeller({ spool, stateDir, pathOf, now, warn }), close: spool.close };
}

/** An identity that is damaged or cannot be read will come back: what happens meanwhile is told then. */
export async function hasController(stateDir: string): Promise<boolean> {
  try {
    return await isEnrolled(stateDir);
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "IDENTITY_INVALID") return true;
    throw error;
  }
}
