/** The tailer of the service: passes until it is told to stop. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AomeiSettings } from "../config/aomei-settings.ts";
import { asHoldfastError } from "../errors.ts";
import { acquireLockWithin } from "../repository/lock.ts";
import type { Spool } from "../spool/port.ts";
import { spoolFacts } from "./spool-facts.ts";
import { createWatcher, type PassResult, type WatcherOptions } from "./watcher.ts";

/** While so many events wait, entries wait as well: they are safe where they are. */
const WAITING_EVENTS = 5000;
const LOOK_MS = 200;
const LOCK_MS = 10_000;

export type WatchOptions = Pick<WatcherOptions, "now" | "log"> & {
  /** As the configuration has them now. */
  settings: () => AomeiSettings;
  spool: Pick<Spool, "facts" | "record" | "counts">;
  stateDir: string;
};

/** Reads the logs and images again and again until the signal. What goes wrong is logged and tried again; never rejects. */
export async function watchAomei(options: WatchOptions, signal: AbortSignal): Promise<void> {
  const { settings, now, log } = options;
  const facts = spoolFacts(options.spool);
  const room = async (): Promise<void> => {
    while (facts.waiting() >= WAITING_EVENTS) await sleep(LOOK_MS, undefined, { signal });
  };
  const watcher = createWatcher({ facts, now, log, room, exclusively: exclusiveIn(options.stateDir) });
  let said = "";
  while (!signal.aborted) {
    try {
      await watcher.pass(settings(), signal);
      said = "";
      await sleep(settings().poll_seconds * 1000, undefined, { signal });
    } catch (error) {
      if (signal.aborted) return;
      const { message } = asHoldfastError(error, "reading what AOMEI Backupper left");
      if (message !== said) log("error", message);
      said = message;
      await sleep(settings().poll_seconds * 1000, undefined, { signal }).catch(() => undefined);
    }
  }
}

export type OnceOptions = Pick<WatcherOptions, "now" | "log" | "facts"> & {
  settings: AomeiSettings;
  /** Of the spool behind the facts; null: they are this process's own. */
  stateDir: string | null;
};

/** One pass, for a person's command. Throws BUSY when the service works on the same logs for long; CANCELLED. */
export async function passOnce(
  { settings, stateDir, ...options }: OnceOptions,
  signal: AbortSignal,
): Promise<PassResult> {
  const exclusively = stateDir === null ? {} : { exclusively: exclusiveIn(stateDir) };
  return await createWatcher({ ...options, ...exclusively, settleMs: 0 }).pass(settings, signal);
}

/** The service and a person's command may work with the same spool, but not at the same moment. */
function exclusiveIn(stateDir: string): <T>(work: () => Promise<T>) => Promise<T> {
  return async (work) => {
    const lock = await acquireLockWithin(join(stateDir, "aomei.lock"), "reading AOMEI's logs", LOCK_MS).catch(
      (error: unknown) => {
        throw asHoldfastError(error, "waiting for the other reader of AOMEI's logs");
      },
    );
    try {
      return await work();
    } finally {
      lock.release();
    }
  };
}
