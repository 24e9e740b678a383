import { lstat, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { removeDurably, writeDurably } from "../../../durable.ts";
import { HoldfastError } from "../../../errors.ts";
import { type Daemon, startDaemon } from "../../../exec.ts";
import { connectGuestAgent, GUARD_WATCHES, type GuestAgent, thawGuest } from "../../../qemu/guest-agent.ts";
import { isOwnFolder } from "./qmp-fleece.ts";
import { isRunning, jobOf } from "./qmp-names.ts";

const ANSWER_MS = 3_000;
/** The guest flushes its caches first, which takes as long as its disks need. */
const FREEZE_MS = 10_000;
const MOMENT_MS = 10_000;
const THAW_MS = 10_000;
/** Longer than all of the above: then something hangs, and the guest must not hang with it. */
const GUARD_MS = 40_000;
const GUARD_STARTS_MS = 10_000;
const JOURNAL_END = "-frozen.json";

export type Quiesce = {
  job: string;
  folder: string;
  guestAgent: string | undefined;
  warn: (sentence: string) => void;
  /** How long the guest may take to flush and freeze. */
  freezeMs?: number;
  /** How long the guest may stay frozen when the moment of the backup does not come. */
  momentMs?: number;
};

/** `frozen`: whether it worked. `thaw` must be called in any case, and never throws. */
type Quiet = { frozen: boolean; thaw: () => Promise<void> };

/**
 * A frozen guest must never outlive its backup. Three nets, in this order: `finally`; a guard process that thaws within
 * a moment when the agent is killed or hangs (`thaw-guard.ts`); and a journal, made durable before the freeze, from
 * which `healFrozenGuests` thaws when even the guard was killed. A moment that takes too long goes on without a freeze.
 */
export async function whileQuiesced(
  where: Quiesce,
  moment: () => Promise<void>,
): Promise<"crash-consistent" | "filesystem-frozen"> {
  const quiet = await quiesce(where);
  const state: { early?: Promise<void> } = {};
  const timer = setTimeout(() => {
    state.early = quiet?.thaw() ?? Promise.resolve();
  }, where.momentMs ?? MOMENT_MS);
  try {
    await moment();
    if (quiet?.frozen && !state.early) return "filesystem-frozen";
    if (quiet?.frozen) where.warn("the guest was thawed before the backup's moment, which took too long");
    return "crash-consistent";
  } finally {
    clearTimeout(timer);
    await (state.early ?? quiet?.thaw());
  }
}

/** Undefined when there is no guest agent, or none that can be used safely. */
async function quiesce(where: Quiesce): Promise<Quiet | undefined> {
  const { guestAgent, warn } = where;
  const agent = guestAgent === undefined ? undefined : await reach(guestAgent, warn);
  if (agent === undefined || guestAgent === undefined) return undefined;
  const journal = join(where.folder, `${where.job}${JOURNAL_END}`);
  const prepare = async (): Promise<Daemon> => {
    await writeDurably(journal, JSON.stringify({ guestAgent }), 0o600);
    return await startGuard(journal);
  };
  const guard = await prepare().catch(async (error: unknown) => {
    warn(`the guest was not frozen, because nothing could guard its thaw: ${words(error)}`);
    agent.close();
    await rm(journal, { force: true });
    return undefined;
  });
  if (guard === undefined) return undefined;
  const frozen = await freezeGuest(agent, where.freezeMs ?? FREEZE_MS, warn);
  const thawAll = async (): Promise<void> => {
    const thawed = await thaw(agent, guestAgent, warn);
    agent.close();
    if (!thawed) return;
    await removeDurably(journal);
    await guard.stop();
  };
  return {
    frozen,
    thaw: () => thawAll().catch((error: unknown) => warn(`after the guest was thawed: ${words(error)}`)),
  };
}

async function reach(path: string, warn: (sentence: string) => void): Promise<GuestAgent | undefined> {
  let agent: GuestAgent | undefined;
  try {
    agent = await connectGuestAgent(path, ANSWER_MS);
    if (!(await agent.isFrozen())) return agent;
    warn("the guest's file systems were still frozen from before; they are thawed first");
    await agent.thaw(THAW_MS);
    return agent;
  } catch (error) {
    agent?.close();
    warn(`the guest agent at ${path} did not answer, so the guest's file systems were not frozen: ${words(error)}`);
    return undefined;
  }
}

async function freezeGuest(agent: GuestAgent, limitMs: number, warn: (sentence: string) => void): Promise<boolean> {
  try {
    if ((await agent.freeze(limitMs)) > 0) return true;
    warn("the guest agent froze no file system");
  } catch (error) {
    warn(`the guest's file systems were not frozen: ${words(error)}`);
  }
  return false;
}

async function thaw(agent: GuestAgent, path: string, warn: (sentence: string) => void): Promise<boolean> {
  try {
    await agent.thaw(THAW_MS);
    return true;
  } catch {
    agent.close();
  }
  try {
    await thawGuest(path, THAW_MS);
    return true;
  } catch (error) {
    warn(
      `THE GUEST MAY STILL BE FROZEN: run \`guest-fsfreeze-thaw\` through ${path}; a guard goes on trying (${words(error)})`,
    );
    return false;
  }
}

/**
 * `exec.ts` ends the shell with the agent, and the shell's end is what the guard acts on: once it watches, so a busy
 * host must not freeze its guest before the guard has said so.
 */
async function startGuard(journal: string): Promise<Daemon> {
  const script = fileURLToPath(new URL("../../../qemu/thaw-guard.ts", import.meta.url));
  const command = [process.execPath, script, journal, String(GUARD_MS)];
  const watches = Promise.withResolvers<boolean>();
  const onOutput = (text: string): void => void (text.includes(GUARD_WATCHES) && watches.resolve(true));
  const guard = await startDaemon("/bin/sh", ["-c", '"$@" "$$" & wait', "guard", ...command], { onOutput });
  const late = setTimeout(() => watches.resolve(false), GUARD_STARTS_MS);
  const dead = guard.ended.then(() => false);
  const isWatching = await Promise.race([watches.promise, dead]).finally(() => clearTimeout(late));
  if (isWatching) return guard;
  await guard.stop();
  throw new HoldfastError("TIMEOUT", { message: "the guard of the guest's thaw did not start" });
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Thaws guests that a killed backup left frozen, as journals in `folder` (and in our private folders) tell: for
 * start-up, and before each backup. Returns a sentence for each guest.
 */
export async function healFrozenGuests(folder?: string): Promise<string[]> {
  const own = (await readdir(tmpdir())).filter(isOwnFolder).map((name) => join(tmpdir(), name));
  const said: string[] = [];
  for (const place of folder === undefined ? own : [folder, ...own]) {
    for (const name of await readdir(place).catch(() => [])) {
      const job = jobOf(name);
      const journal = join(place, name);
      if (job === undefined || !name.endsWith(JOURNAL_END) || (await isRunning(job))) continue;
      if (await isOwnFile(journal)) said.push(await healOne(journal));
    }
  }
  return said;
}

/** In a shared folder anyone may lay down a journal that names any socket of this host. */
async function isOwnFile(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isFile() === true && found.uid === process.getuid?.();
}

async function healOne(journal: string): Promise<string> {
  try {
    const { guestAgent } = JSON.parse(await readFile(journal, "utf8")) as { guestAgent: string };
    try {
      await thawGuest(guestAgent, ANSWER_MS);
    } catch (error) {
      // No socket: the VM ended, and the freeze with it.
      if (!["ENOENT", "ECONNREFUSED"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
    await removeDurably(journal);
    return `a backup that was killed may have left a guest frozen; it was thawed through ${guestAgent}`;
  } catch (error) {
    return `a guest may still be frozen, see ${basename(journal)}: ${words(error)}`;
  }
}
