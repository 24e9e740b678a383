import { usageError } from "./failure.ts";

const FORMATS = ["raw", "qcow2", "vmdk", "vhdx", "vdi"];

/**
 * A disk's source from a path, an NBD URI or JSON. The format follows from `format` or the file's ending, never from what
 * is in it: a guest could write any header into its raw disk.
 */
export function sourceOf(text: string, format: string | undefined): object {
  if (text.startsWith("{")) return parse(text);
  if (/^nbds?(\+unix)?:\/\//.test(text)) return { kind: "nbd", uri: text };
  if (text.startsWith("/dev/")) return { kind: "block", path: text };
  const ending = /\.([a-z0-9]+)$/i.exec(text)?.[1]?.toLowerCase();
  const meant = format ?? (ending === "img" ? "raw" : ending);
  if (meant !== undefined && FORMATS.includes(meant)) return { kind: "file", path: text, format: meant };
  throw usageError(`the format of ${text} is not known`, `Say it with --format: ${FORMATS.join(", ")}.`);
}

function parse(text: string): object {
  try {
    return JSON.parse(text) as object;
  } catch (cause) {
    throw usageError(`--source is no JSON: ${(cause as Error).message}`, "Give a path, an NBD URI or a JSON object.");
  }
}
