/** Reads the settings' file and joins it with the environment and the command line. */
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { decideSettings, type ServeSettings, type Surroundings, usualDataDir } from "../config/settings.ts";
import { ControllerError } from "../errors.ts";
import { dataPaths } from "./data-folder.ts";

export type Given = {
  /** The file, when one was named. */
  config: string | undefined;
  /** Settings by their own names, from the command line. */
  options: Record<string, unknown>;
};

const OTHERS_MAY_WRITE = 0o002;

export function surroundings(): Surroundings {
  return { env: process.env, isRoot: process.getuid?.() === 0 };
}

/** The data folder as far as option and environment say it; a settings' file may say another one. */
export function dataFolderOf(option: string | undefined, around: Surroundings): string {
  return resolve(option ?? (around.env["HOLDFAST_DATA_DIR"] || usualDataDir(around)));
}

/** BAD_CONFIG: the file that was named is not there, is no JSON, is anybody's to write, or a setting is wrong. */
export async function loadSettings({ config, options }: Given, around: Surroundings): Promise<ServeSettings> {
  const named = config ?? (around.env["HOLDFAST_CONTROLLER_CONFIG"] || undefined);
  const folder = dataFolderOf(options["data_dir"] as string | undefined, around);
  const file = await readSettings(named ?? dataPaths(folder).settings, named !== undefined);
  return decideSettings({ data_dir: folder, ...file }, options, around);
}

async function readSettings(path: string, isRequired: boolean): Promise<Record<string, unknown>> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    const isAbsent = cause.code === "ENOENT" || cause.code === "ENOTDIR";
    if (isAbsent && !isRequired) return null;
    throw wrong(path, isAbsent ? "does not exist" : `cannot be read (${cause.code})`, cause);
  });
  if (text === null) return {};
  if (((await stat(path)).mode & OTHERS_MAY_WRITE) !== 0)
    throw wrong(path, "may be written by every user of this host");
  const value = parse(path, text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(path, "is no JSON object");
  return { ...value };
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw wrong(path, `is no JSON: ${(cause as Error).message}`, cause);
  }
}

function wrong(path: string, what: string, cause?: unknown): ControllerError {
  return new ControllerError("BAD_CONFIG", { message: `the settings' file ${path} ${what}`, cause });
}
