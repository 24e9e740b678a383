/** The service: joins runner, spool and link, from the start of the process to its end. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config/schema.ts";
import { asHoldfastError } from "../errors.ts";
import { isEnrolled } from "../identity/client-identity.ts";
import { tidyIdentity } from "../identity/renew.ts";
import { acquireLock } from "../repository/lock.ts";
import { agentVersion } from "../version.ts";
import type { Log } from "./log.ts";
import { type Service, startService } from "./start-service.ts";
import type { Stop } from "./stop.ts";

const LOOK_FOR_IDENTITY_MS = 2000;
/** After the last command: for what it told to reach the controller, and for cancelled work to clean up. */
const LAST_WORDS_MS = 3000;
const CLEAN_UP_MS = 20_000;

/** A process that has nothing else to do does not wait for its timers. */
const UNHELD = { ref: false };

export type ServeOptions = {
  load: () => Promise<Config>;
  log: Log;
  now: () => Date;
  stop: Stop;
  /** How long running commands may go on after the first request to stop, in ms; then they are cancelled. */
  drainMs: number;
};

/** Runs until it is asked to stop. BUSY when a service runs on this state folder already; what opening the spool throws. */
export async function serve(options: ServeOptions): Promise<void> {
  const { load, log, stop } = options;
  const config = await load();
  const { state_dir: stateDir } = config;
  await mkdir(stateDir, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw asHoldfastError(error, `making the agent's state folder ${stateDir}`);
  });
  const lock = await acquireLock(join(stateDir, "service.lock"), "the service");
  try {
    log("info", `holdfast-agent ${agentVersion()} begins`, { state_dir: stateDir, config_file: config.file });
    if (!(await untilEnrolled(stateDir, options))) return;
    await tidyIdentity(stateDir);
    const service = await startService({ ...options, config });
    await stop.asked;
    await drain(service, options);
    log("info", "holdfast-agent ends");
  } finally {
    lock.release();
  }
}

/** A service may be installed before its host is enrolled. False when it was asked to stop meanwhile. */
async function untilEnrolled(stateDir: string, { log, stop }: ServeOptions): Promise<boolean> {
  let said = false;
  for (;;) {
    const enrolled = await isEnrolled(stateDir).catch((error: unknown) => {
      if (!said) log("error", asHoldfastError(error, "reading the identity").message);
      said = true;
      return false;
    });
    if (enrolled) return true;
    if (!said) log("warn", "this host is not enrolled: waiting for `holdfast-agent enroll`");
    said = true;
    if (await Promise.race([stop.asked.then(() => true), sleep(LOOK_FOR_IDENTITY_MS, false)])) return false;
  }
}

/**
 * Begins nothing more, lets what runs go on until the limit or a second request, then cancels it. The link stays up
 * until the end, so that the controller learns how everything ended.
 */
async function drain(service: Service, { log, stop, drainMs }: ServeOptions): Promise<void> {
  const { work, running } = service;
  work.drain();
  log("info", `stopping: ${running.size} runs may go on for ${Math.round(drainMs / 1000)} s`);
  const idle = work.idle().then(() => "idle" as const);
  const late = sleep(drainMs, "late" as const, UNHELD);
  if ((await Promise.race([idle, late, stop.askedAgain.then(() => "late" as const)])) === "late") {
    log("warn", "stopping: what still runs is cancelled");
    work.cancelAll();
    await Promise.race([idle, sleep(CLEAN_UP_MS, undefined, UNHELD)]);
  }
  await service.end(LAST_WORDS_MS);
}
