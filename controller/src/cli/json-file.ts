/** What people write as JSON: in a file, or on standard input as `-`. */
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { usageError } from "./failure.ts";

/** The object in the file; `what` names it in errors. BAD_REQUEST: it cannot be read, or holds none. */
export async function readObject(path: string, what: string): Promise<Record<string, unknown>> {
  const remedy = `It must hold ${what} as a JSON object.`;
  try {
    const value = JSON.parse(path === "-" ? await text(process.stdin) : await readFile(path, "utf8")) as unknown;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch (cause) {
    throw usageError(`${nameOf(path)} cannot be used: ${(cause as Error).message}`, remedy);
  }
  throw usageError(`${nameOf(path)} is not ${what}`, remedy);
}

/** Without what only answers have, so that what `show --json` printed can be changed and given back. */
export function without(object: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

function nameOf(path: string): string {
  return path === "-" ? "standard input" : path;
}
