/** Who is asked by nobody lets those go first who are: a person's request, an agent's results. */
import { AsyncLocalStorage } from "node:async_hooks";

const behind = new AsyncLocalStorage<true>();

/** Runs what nobody waits for. */
export function inBackground<T>(work: () => Promise<T>): Promise<T> {
  return behind.run(true, work);
}

export function isInBackground(): boolean {
  return behind.getStore() === true;
}
