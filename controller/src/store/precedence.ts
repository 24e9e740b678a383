/** What nobody waits for lets those go first who are waited for: a person's request, an agent's results. */
import { AsyncLocalStorage } from "node:async_hooks";

const behind = new AsyncLocalStorage<boolean>();
let awaited = 0;
let quiet: PromiseWithResolvers<void> | null = null;

/** Runs what nobody waits for. */
export function inBackground<T>(work: () => Promise<T>): Promise<T> {
  return behind.run(true, work);
}

export function isInBackground(): boolean {
  return behind.getStore() === true;
}

/** Runs what somebody waits for; until it ends, the background does little. */
export async function inForeground<T>(work: () => Promise<T>): Promise<T> {
  awaited += 1;
  try {
    return await behind.run(false, work);
  } finally {
    awaited -= 1;
    if (awaited === 0) quiet?.resolve();
  }
}

/** Resolves when nobody waits; after `patienceMs` all the same, because the background has to come forward too. */
export async function nobodyWaits(patienceMs: number): Promise<void> {
  if (awaited === 0 || patienceMs === 0) return;
  quiet ??= quietWithin(patienceMs);
  await quiet.promise;
}

/** One for all who wait at a time. */
function quietWithin(ms: number): PromiseWithResolvers<void> {
  const found = Promise.withResolvers<void>();
  const timer = setTimeout(found.resolve, ms);
  void found.promise.then(() => {
    clearTimeout(timer);
    quiet = null;
  });
  return found;
}
