import { HoldfastError } from "../errors.ts";
import { run } from "../exec.ts";
import type { StorageDaemon } from "./daemon.ts";
import { fileNode } from "./graph.ts";
import { secretObjects } from "./secrets.ts";

const LOOK_TIMEOUT_MS = 60_000;
const GRANULARITY = 65_536;
/** qemu-img's address space when it opens something untrusted; its usual need is a tenth of this. */
const MEMORY_LIMIT = 4 * 2 ** 30;

/** What `qemu-img info` says of a persistent dirty bitmap. */
export type BitmapInfo = { name: string; granularity: number; flags: string[] };
export type ImageInfo = { virtualSize: number; bitmaps: BitmapInfo[] };

type InfoJson = { "virtual-size": number; "format-specific"?: { data?: { bitmaps?: BitmapInfo[] } } };

function lockedOr(error: unknown, path: string): unknown {
  if (!(error instanceof HoldfastError) || !/Failed to get .*lock/i.test(error.details ?? "")) return error;
  return new HoldfastError("SOURCE_LOCKED", {
    message: `${path} is in use by a running VM or another QEMU process`,
    remedy: "Back the VM up through its QMP socket (source kind 'qmp'), or stop it first.",
    details: error.details ?? "",
    cause: error,
  });
}

/**
 * Looks at an image without following any reference in it (qemu-img opens no backing file for this).
 * Throws SOURCE_LOCKED when a VM has it open for writing, TOOL_FAILED when it is not of that format.
 */
export async function imageInfo(path: string, format: string, signal?: AbortSignal): Promise<ImageInfo> {
  const options = { timeoutMs: LOOK_TIMEOUT_MS, memoryLimit: MEMORY_LIMIT, signal };
  try {
    const image = `json:${JSON.stringify({ driver: format, file: { driver: "file", filename: path } })}`;
    const { stdout } = await run("qemu-img", ["info", "--output=json", image], options);
    const info = JSON.parse(stdout) as InfoJson;
    return { virtualSize: info["virtual-size"], bitmaps: info["format-specific"]?.data?.bitmaps ?? [] };
  } catch (error) {
    throw lockedOr(error, path);
  }
}

/**
 * Adds an enabled, persistent dirty bitmap to a stopped VM's qcow2 image, in a storage daemon that is there anyway: a
 * process less. Nothing of the image stays open. Throws SOURCE_LOCKED when the VM runs, QMP_FAILED.
 */
export async function addBitmapIn(daemon: StorageDaemon, path: string, name: string): Promise<void> {
  const node = "bitmap-image";
  try {
    await daemon.addNode({ driver: "qcow2", "node-name": node, file: fileNode(path), backing: null });
    try {
      const bitmap = { node, name, granularity: GRANULARITY, persistent: true };
      await daemon.qmp.execute("block-dirty-bitmap-add", bitmap);
    } finally {
      // It is written to the image when that is closed.
      await daemon.removeNode(node);
    }
  } catch (error) {
    throw lockedOr(error, path);
  }
}

/** Adds (enabled) or removes a persistent dirty bitmap of a stopped VM's qcow2 image. Throws SOURCE_LOCKED when it runs. */
export async function changeBitmap(path: string, change: "add" | "remove", name: string): Promise<void> {
  const granularity = change === "add" ? ["-g", String(GRANULARITY)] : [];
  try {
    await run("qemu-img", ["bitmap", `--${change}`, ...granularity, "-f", "qcow2", path, name], {
      timeoutMs: LOOK_TIMEOUT_MS,
    });
  } catch (error) {
    throw lockedOr(error, path);
  }
}

export type CheckResult = { sound: boolean; summary: string };

/**
 * `qemu-img check` of an image at rest, given as a json: name. Its exit code 3 ("leaks only") counts as damage: our
 * images have no leaks, and zeroed tables show up as just that. Says nothing about content.
 */
export async function checkImage(
  jsonFilename: string,
  secrets: ReadonlyMap<string, Uint8Array>,
  signal?: AbortSignal,
): Promise<CheckResult> {
  const objects = secretObjects(secrets);
  const args = ["check", "--output=json", ...objects, jsonFilename];
  const limits = { timeoutMs: 10 * LOOK_TIMEOUT_MS, memoryLimit: MEMORY_LIMIT, secrets: [...secrets.values()], signal };
  const { code, stdout, stderr } = await run("qemu-img", args, { ...limits, okCodes: [0, 1, 2, 3, 63] });
  if (code === 0) return { sound: true, summary: "no errors" };
  const numbers = /"(corruptions|leaks|check-errors)": \d+/g;
  const counted = (stdout.match(numbers) ?? []).join(", ").replaceAll('"', "");
  return { sound: false, summary: counted || stderr.split("\n").slice(0, 3).join("; ") || `exit code ${code}` };
}
