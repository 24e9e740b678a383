import { HoldfastError } from "../errors.ts";
import { run } from "../exec.ts";
import { secretObjects } from "./secrets.ts";

export type ConvertRequest = {
  /** An explicit graph as a `json:` name. */
  source: string;
  target: string;
  format: "raw" | "qcow2";
  /** true: `target` exists and keeps its place (a block device); holes are then written as zeros. */
  inPlace?: boolean;
  /** Write past the page cache. */
  direct?: boolean;
  secrets?: ReadonlyMap<string, Uint8Array>;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** The part of the data that is done, from 0 to 1. */
  onProgress?: ((part: number) => void) | undefined;
  /** Bytes per second. */
  speedLimit?: number | undefined;
};

/**
 * Copies a disk with `qemu-img convert`. The caller syncs the target: QEMU's own flush is not relied on. Throws
 * NO_SPACE, IO_ERROR when the target cannot be written, BUSY when another QEMU process has it open, and what `run` throws.
 */
export async function convertImage(request: ConvertRequest): Promise<void> {
  const { secrets = new Map<string, Uint8Array>(), onProgress, timeoutMs, signal } = request;
  const objects = secretObjects(secrets);
  const args = [
    ...["convert", "-p", "-O", request.format, "-m", "16", "-W", "-t", request.direct ? "none" : "writeback"],
    ...(request.inPlace ? ["-n"] : []),
    ...(request.speedLimit === undefined ? [] : ["-r", String(Math.max(1, Math.round(request.speedLimit)))]),
    ...[...objects, request.source, request.target],
  ];
  try {
    const limits = { timeoutMs, signal, secrets: [...secrets.values()] };
    await run("qemu-img", args, { ...limits, onOutput: (text) => report(text, onProgress) });
  } catch (error) {
    throw targetFailure(error, request.target);
  }
}

/** Reads `    (12.34/100%)\r`; a piece may hold several and end inside one. */
function report(text: string, onProgress: ConvertRequest["onProgress"]): void {
  const last = text.match(/\((\d+\.\d+)\/100%\)/g)?.at(-1);
  if (last !== undefined) onProgress?.(Number(last.slice(1, last.indexOf("/"))) / 100);
}

function targetFailure(error: unknown, target: string): unknown {
  if (!(error instanceof HoldfastError)) return error;
  const details = error.details ?? "";
  if (error.code === "NO_SPACE") {
    const remedy = "Free space there, or restore to another file system.";
    return new HoldfastError("NO_SPACE", { message: `no space left for ${target}`, remedy, details, cause: error });
  }
  if (error.code !== "TOOL_FAILED") return error;
  if (/Failed to get .*lock/i.test(details) && details.includes(target)) {
    const remedy = "Wait until that is done, or choose another target.";
    return new HoldfastError("BUSY", { message: `${target} is being written already`, remedy, details, cause: error });
  }
  if (/error while writing/i.test(details))
    return new HoldfastError("IO_ERROR", { message: `${target} cannot be written`, details, cause: error });
  return error;
}
