/** The controller as a whole: opened in order, each step named, and closed in the reverse. */
import type { Logger } from "pino";
import type { ServeSettings } from "./config/settings.ts";
import { type AdminToken, openGround } from "./serve/ground.ts";
import { openPorts, type Ports } from "./serve/ports.ts";

export type ServeOptions = {
  log: Logger;
  /** Aborted: end in good order. */
  signal: AbortSignal;
  /** Migrate a PostgreSQL database that holds anything: a dump was made. */
  allowMigrate: boolean;
  /** Called once, when both ports are open. */
  onReady: (ready: Ready) => void;
};

/** `adminToken`: at the first start on a data folder only. `rootFingerprint`: sha256, hex. */
export type Ready = Ports & { rootFingerprint: string; adminToken: AdminToken | null };

/** Requests, commits and connections that need longer than this to end are cut. */
const CLOSING_MS = 9000;

/**
 * Runs the controller until the signal. Resolves with false when it could not end in good order: something may still be
 * open, so the process is to be ended. StartError says which step of the start failed; nothing is left open then.
 */
export async function serve(settings: ServeSettings, options: ServeOptions): Promise<boolean> {
  const { log, signal } = options;
  const opened = new AsyncDisposableStack();
  try {
    const ground = await openGround(settings, options, opened);
    const ports = await openPorts(settings, ground, options, opened);
    options.onReady({ ...ports, rootFingerprint: ground.authority.rootFingerprint, adminToken: ground.adminToken });
    if (ground.adminToken !== null) await ground.adminTokenTold();
    await aborted(signal);
  } catch (error) {
    await opened.disposeAsync();
    if (signal.aborted) return true;
    throw error;
  }
  log.info("the controller is stopping");
  const isClean = await closeInTime(opened, log);
  if (isClean) log.info("the controller has stopped");
  return isClean;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function closeInTime(opened: AsyncDisposableStack, log: Logger): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => {
    log.error({ limit_ms: CLOSING_MS }, "the controller did not stop in time: what is open is cut");
    resolve(false);
  }, CLOSING_MS);
  const closed = opened.disposeAsync().then(
    () => true,
    (error: unknown) => {
      log.error({ err: error }, "something did not end in good order");
      return false;
    },
  );
  const isClean = await Promise.race([closed, late]);
  clearTimeout(timer);
  return isClean;
}
