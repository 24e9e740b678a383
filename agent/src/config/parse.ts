import { HoldfastError } from "../errors.ts";
import { mistakeLines } from "./mistake.ts";
import { type ConfigFile, configFile } from "./schema.ts";
import { senseMistakes } from "./sense-mistakes.ts";
import { shapeMistakes } from "./shape-mistakes.ts";

/**
 * Reads the text of a configuration file; touches no disk. BAD_CONFIG holds every mistake at once, one a line, in
 * `details`: `path: what is wrong (hint)`.
 */
export function parseConfig(text: string, fileName: string): ConfigFile {
  const value = parseJson(text, fileName);
  const mistakes = [...shapeMistakes(value), ...senseMistakes(value)];
  if (mistakes.length > 0)
    throw new HoldfastError("BAD_CONFIG", {
      message: `${fileName} has ${mistakes.length} ${mistakes.length === 1 ? "mistake" : "mistakes"}`,
      remedy: "Correct what is listed below; docs/configuration.md describes every setting.",
      details: mistakeLines(mistakes),
    });
  return configFile.parse(value);
}

function parseJson(text: string, fileName: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    throw new HoldfastError("BAD_CONFIG", {
      message: `${fileName} is not valid JSON`,
      remedy: "Look at the place named below for a missing comma, quote or bracket; JSON allows no comments.",
      details: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}
