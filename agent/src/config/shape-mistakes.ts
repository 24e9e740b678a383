/** What the schema finds wrong, in our words: paths, unknown settings with the nearest known one, choices spelled out. */
import { itemEntry, repositoryEntry } from "@holdfast/protocol";
import type { z } from "zod";
import { aomeiSettings } from "./aomei-settings.ts";
import { nearest } from "./did-you-mean.ts";
import { type Mistake, pathText } from "./mistake.ts";
import { configFile } from "./schema.ts";

type Issue = z.core.$ZodIssue;

/** Every setting's name there is, by the last named part of the path it stands under. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  "": Object.keys(configFile.shape),
  repositories: Object.keys(repositoryEntry.shape),
  items: Object.keys(itemEntry.shape),
  floor: ["min_points", "min_age_days"],
  aomei: Object.keys(aomeiSettings.shape),
  result_logs: ["path", "encoding"],
  text_logs: ["folder", "pattern", "encoding", "time_zone", "task_name", "phrases"],
  phrases: ["text", "means"],
  disks: ["disk_id", "source"],
  source: ["kind", "path", "format", "write_bitmap", "socket", "device", "guest_agent", "fleece_folder", "uri", "tls"],
  tls: ["ca", "cert", "key", "server_name"],
};

/** All mistakes of shape; empty when the value is a configuration. */
export function shapeMistakes(value: unknown): Mistake[] {
  const parsed = configFile.safeParse(value);
  return parsed.success ? [] : parsed.error.issues.flatMap((issue) => explain(issue, value));
}

function explain(issue: Issue, root: unknown): Mistake[] {
  const path = pathText(issue.path);
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => unknownSetting(pathText([...issue.path, key]), key, issue.path));
  if (issue.code === "invalid_value") {
    const choices = issue.values.map((value) => JSON.stringify(value)).join(", ");
    return [{ path, message: `must be one of ${choices}`, ...givenHint(issue.path, root) }];
  }
  if (issue.code === "invalid_union" && issue.discriminator !== undefined)
    return [{ path, message: 'must be one of "file", "block", "qmp", "nbd"', ...givenHint(issue.path, root) }];
  if (issue.code === "invalid_type" && valueAt(root, issue.path) === undefined)
    return [{ path, message: "is missing", hint: `give a value of type ${issue.expected}` }];
  if (issue.code === "invalid_type")
    return [{ path, message: `must be of type ${issue.expected}`, ...givenHint(issue.path, root) }];
  return [{ path, message: issue.message, ...givenHint(issue.path, root) }];
}

function unknownSetting(path: string, key: string, at: readonly PropertyKey[]): Mistake {
  const under = at.findLast((part) => typeof part === "string") ?? "";
  const known = KNOWN[String(under)] ?? [];
  const near = nearest(key, known);
  const hint = near === undefined ? `known here: ${known.join(", ")}` : `did you mean ${near}?`;
  return { path, message: "is not a setting", ...(known.length > 0 && { hint }) };
}

function givenHint(path: readonly PropertyKey[], root: unknown): { hint?: string } {
  const given = valueAt(root, path);
  const simple = given === null || ["string", "number", "boolean"].includes(typeof given);
  return simple ? { hint: `given: ${JSON.stringify(given).slice(0, 100)}` } : {};
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let at = root;
  for (const part of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = (at as Record<PropertyKey, unknown>)[part];
  }
  return at;
}
