import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { pathId } from "@holdfast/protocol";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import { acquireLock } from "../repository/lock.ts";
import type { ItemRuns, RunContext } from "./context.ts";

/** Lets `work` run operations on the item while no other run of this host works on it. BUSY at once when one does. */
export async function withItem<T>(
  context: RunContext,
  vmContextId: string,
  purpose: string,
  work: (runs: ItemRuns) => Promise<T>,
): Promise<T> {
  const { state_dir } = context.rules;
  return await withItemLock(state_dir, vmContextId, purpose, () => work({ ...context, item: vmContextId }));
}

/**
 * Runs `work` while no other run of this host works on the item; BUSY at once when one does. The lock ends with the
 * process, however that ends.
 */
export async function withItemLock<T>(
  stateDir: string,
  vmContextId: string,
  purpose: string,
  work: () => Promise<T>,
): Promise<T> {
  const id = pathId.safeParse(vmContextId);
  if (!id.success) {
    const remedy = "Use letters, digits, '.', '_' and '-' only, at most 64, starting with a letter or digit.";
    throw new HoldfastError("BAD_REQUEST", { message: `${vmContextId} is not an item's id`, remedy });
  }
  const folder = join(stateDir, "locks");
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw asHoldfastError(error, `making the agent's state folder ${folder}`);
  });
  const lock = await acquireLock(join(folder, `${id.data}.lock`), purpose);
  try {
    return await work();
  } finally {
    lock.release();
  }
}
