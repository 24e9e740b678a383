/** What to back up and how: from the configuration, or from the command line alone. */
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { type ItemEntry, type SourceSpec, sourceSpec, vmNameInPath } from "@holdfast/protocol";
import { nearest } from "../config/did-you-mean.ts";
import type { ProtectedItem } from "../service/policy/protect.ts";
import { usageError } from "./answer.ts";
import type { HostConfig } from "./host-config.ts";

/** The items of this host with these ids or names; all of them for none. BAD_REQUEST for one that is not configured. */
export function configuredItems(config: Pick<HostConfig, "items">, names: readonly string[]): ProtectedItem[] {
  if (config.items.length === 0)
    throw usageError(
      "no item is configured",
      "Add items to the configuration, or back up with --source and --repository.",
    );
  if (names.length === 0) return config.items;
  return names.map((name) => {
    const found =
      config.items.find((item) => item.vm_context_id === name) ?? config.items.find((item) => item.vm_name === name);
    if (found !== undefined) return found;
    const known = config.items.flatMap((item) => [item.vm_context_id, item.vm_name]);
    const near = nearest(name, known);
    const remedy = near === undefined ? `Configured are: ${known.join(", ")}.` : `Did you mean ${near}?`;
    throw usageError(`no item ${JSON.stringify(name)} is configured`, remedy);
  });
}

const LONGEST_NAME = 200;

export type AdHocOptions = {
  source?: string[];
  format?: string;
  vmName?: string;
  vmContextId?: string;
  compression?: string;
  tag?: string[];
};

/** An item from the command line: its disks are numbered in the order of `--source`. */
export function adHocItem(options: AdHocOptions): Omit<ItemEntry, "repository_id"> {
  const disks = (options.source ?? []).map((text, index) => ({
    disk_id: index,
    source: parseSource(text, options.format),
  }));
  const [first] = disks;
  const name = options.vmName ?? (first === undefined ? "disk" : placeOf(first.source));
  const compression = options.compression ?? "none";
  if (compression !== "none" && compression !== "zstd")
    throw usageError(`--compression ${compression} is not known`, "Use none or zstd.");
  const tags = Object.fromEntries((options.tag ?? []).map(parseTag));
  return {
    vm_context_id: options.vmContextId ?? contextIdOf(name),
    vm_name: shortened(name),
    disks,
    compression,
    cluster_size: 65_536,
    tags,
  };
}

/** A path, an NBD URI, or a source as the configuration has it (JSON). The format comes from the name, never the content. */
export function parseSource(text: string, format: string | undefined): SourceSpec {
  if (text.startsWith("{")) return checked(parseJson(text), text);
  if (/^nbds?(\+unix)?:/.test(text)) return checked({ kind: "nbd", uri: text }, text);
  if (text.startsWith("/dev/") && format === undefined) return checked({ kind: "block", path: text }, text);
  const byName = /\.(raw|img|qcow2|vmdk|vhdx|vdi)$/i.exec(text)?.[1]?.toLowerCase().replace("img", "raw");
  const known = format ?? byName;
  if (known !== undefined) return checked({ kind: "file", path: resolve(text), format: known }, text);
  throw usageError(`the format of ${text} is not known`, "Say it with --format raw (or qcow2, vmdk, vhdx, vdi).");
}

function checked(value: unknown, text: string): SourceSpec {
  const parsed = sourceSpec.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw usageError(
    `--source ${text}: ${issue?.path.join(".")} ${issue?.message}`,
    "docs/configuration.md shows every kind of source.",
  );
}

/** undefined, which no source is, for text that is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Where the first disk is: two machines' disks may both be called disk.qcow2, and must never share a chain. */
function placeOf(source: SourceSpec): string {
  if ("path" in source) return resolve(source.path);
  return source.kind === "qmp" ? `${source.socket} ${source.device}` : source.uri.replace(/\/\/[^/?]*@/, "//");
}

/** As long as a name may be, and as different as before. */
function shortened(name: string): string {
  if (name.length <= LONGEST_NAME) return name;
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 12);
  return `${digest} …${name.slice(-100)}`;
}

/** An id has at most 64 characters; the digits at the end keep long names apart. */
function contextIdOf(name: string): string {
  const full = vmNameInPath(name);
  return `${full.slice(0, -7).slice(0, 57)}${full.slice(-7)}`;
}

function parseTag(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw usageError(`--tag ${text} has no value`, "Write --tag NAME=VALUE.");
}
