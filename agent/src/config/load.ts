/** Finds and reads the configuration file and decides the folders that depend on who runs the agent. */
import { constants } from "node:fs";
import { access, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import { parseConfig } from "./parse.ts";
import { type Config, configFile } from "./schema.ts";

const SYSTEM_FILE = "/etc/holdfast/agent.json";
const OTHERS_MAY_WRITE = 0o002;

export type Surroundings = {
  env: Readonly<Record<string, string | undefined>>;
  isRoot: boolean;
  home: string;
};

/** The process's own environment. */
export function surroundings(): Surroundings {
  return { env: process.env, isRoot: process.getuid?.() === 0, home: homedir() };
}

/**
 * Reads the configuration: `asked` (--config), else HOLDFAST_CONFIG, else /etc/holdfast/agent.json when this user
 * can read it, else ~/.config/holdfast/agent.json. A file that was named must exist (BAD_CONFIG); with none
 * of the usual ones everything has its default. HOLDFAST_STATE_DIR and HOLDFAST_SCRATCH_DIR go before the file.
 */
export async function loadConfig(asked: string | undefined, around: Surroundings): Promise<Config> {
  const named = asked ?? (around.env["HOLDFAST_CONFIG"] || undefined);
  const file = named === undefined ? await usualFile(around) : resolve(named);
  const content = file === null ? configFile.parse({}) : await readConfig(file);
  const { env } = around;
  const stateDir = resolve(env["HOLDFAST_STATE_DIR"] || content.state_dir || usualStateDir(around));
  const scratchDir = resolve(env["HOLDFAST_SCRATCH_DIR"] || content.scratch_dir || join(stateDir, "scratch"));
  return { ...content, file, state_dir: stateDir, scratch_dir: scratchDir };
}

async function usualFile({ home, env }: Surroundings): Promise<string | null> {
  const ours = join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "holdfast", "agent.json");
  for (const file of [SYSTEM_FILE, ours]) if (await isReadable(file)) return file;
  return null;
}

function usualStateDir({ isRoot, home, env }: Surroundings): string {
  if (isRoot) return "/var/lib/holdfast/agent";
  return join(env["XDG_STATE_HOME"] || join(home, ".local", "state"), "holdfast");
}

async function readConfig(file: string): Promise<ReturnType<typeof parseConfig>> {
  let text: string;
  try {
    const { mode } = await stat(file);
    if (process.platform !== "win32" && (mode & OTHERS_MAY_WRITE) !== 0) throw writableByAll(file);
    text = await readFile(file, "utf8");
  } catch (error) {
    const known = asHoldfastError(error, `reading the configuration ${file}`);
    if (known.code === "BAD_CONFIG") throw known;
    throw new HoldfastError("BAD_CONFIG", {
      message: known.message,
      remedy: "Name an existing file with --config or HOLDFAST_CONFIG.",
      cause: error,
    });
  }
  return parseConfig(text, file);
}

/** Whoever can write it can have any disk under `roots: ["/"]` copied to a place they can read. */
function writableByAll(file: string): HoldfastError {
  return new HoldfastError("BAD_CONFIG", {
    message: `${file} can be written by every user of this host`,
    remedy: `Take that right away: chmod o-w ${file}`,
  });
}

async function isReadable(file: string): Promise<boolean> {
  return await access(file, constants.R_OK).then(
    () => true,
    () => false,
  );
}
