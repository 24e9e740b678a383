/** Our own look at an image's header, before QEMU opens the file as qcow2 and acts on what stands in it. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { Finding, Sidecar } from "@holdfast/protocol";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import { connectNbd } from "../nbd/client.ts";
import { startStorageDaemon } from "../qemu/daemon.ts";
import { containerNode, type Layer } from "../qemu/graph.ts";
import { parseQcow2Header, QCOW2_HEADER_BYTES, type Qcow2Header } from "../qemu/header.ts";
import { imageName, imagePath } from "../repository/layout.ts";
import { readFailure } from "./damage.ts";
import { LUKS_SECRET } from "./keys.ts";

const LUKS_MAGIC = Buffer.from("4c554b53babe0001", "hex");
/** A pipe or device in an image's place must not make us wait, a link not lead us elsewhere. */
const READ_PLAIN = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export type HeaderOptions = { secrets: ReadonlyMap<string, Uint8Array>; signal?: AbortSignal | undefined };

/** A disk's size in whole sectors, as images have it. */
export function virtualSizeOf(backup: Sidecar): number {
  return Math.ceil(backup.total_bytes / 512) * 512;
}

export function layerOf(folder: string, backup: Sidecar): Layer {
  const path = imagePath(folder, backup.backup_id);
  return backup.image.encryption === null ? { path } : { path, luksSecret: LUKS_SECRET };
}

/**
 * The qcow2 header of a backup's image; of an encrypted one it is read through QEMU's LUKS layer alone.
 * SOURCE_UNSAFE or REPOSITORY_DAMAGED when it is none, ENCRYPTION_NOT_READY when the key does not open it.
 */
export async function readImageHeader(folder: string, backup: Sidecar, options: HeaderOptions): Promise<Qcow2Header> {
  const layer = layerOf(folder, backup);
  const start = await readStart(layer.path);
  if (layer.luksSecret === undefined) return parseQcow2Header(start);
  if (!start.subarray(0, LUKS_MAGIC.length).equals(LUKS_MAGIC))
    throw new HoldfastError("SOURCE_UNSAFE", { message: "not a LUKS container, though its sidecar says it is" });
  return parseQcow2Header(await readInside(layer, options));
}

async function readStart(path: string): Promise<Buffer> {
  try {
    await using file = await open(path, READ_PLAIN);
    if (!(await file.stat()).isFile()) throw notPlain();
    const buffer = Buffer.alloc(QCOW2_HEADER_BYTES);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new HoldfastError("REPOSITORY_DAMAGED", { message: "the file is missing", cause: error });
    if ((error as NodeJS.ErrnoException).code === "ELOOP") throw notPlain(error);
    throw asHoldfastError(error, `reading ${path}`);
  }
}

function notPlain(cause?: unknown): HoldfastError {
  return new HoldfastError("SOURCE_UNSAFE", { message: "a link or special file stands in its place", cause });
}

async function readInside(layer: Layer, { secrets, signal }: HeaderOptions): Promise<Buffer> {
  await using daemon = await startStorageDaemon({ secrets, signal });
  try {
    await daemon.addNode({ ...containerNode(layer, { readOnly: true }), "node-name": "container" });
    const endpoint = await daemon.exportNbd({ node: "container", name: "container" });
    const client = await connectNbd(endpoint, signal === undefined ? {} : { signal });
    try {
      const start = Buffer.alloc(Math.min(QCOW2_HEADER_BYTES, client.size));
      await client.read(0, start);
      return start;
    } finally {
      await client.close();
    }
  } catch (error) {
    throw readFailure(error, layer.path);
  }
}

/** What in a header contradicts the sidecars, or would make QEMU open files that are no part of the chain (pure). */
export function headerFaults(backup: Sidecar, parent: Sidecar | null, header: Qcow2Header): Finding[] {
  const size = virtualSizeOf(backup);
  const faults = [
    ...(header.externalDataFile ? ["it keeps its data in another file"] : []),
    ...(header.snapshots > 0 ? [`it holds ${header.snapshots} internal snapshots`] : []),
    ...(header.corrupt ? ["it is marked as corrupt"] : []),
    ...(header.encrypted ? ["it is encrypted in a way that backups never are"] : []),
    ...(header.virtualSize === size ? [] : [`its disk has ${header.virtualSize} bytes instead of ${size}`]),
    ...backingFaults(backup, parent, header),
  ];
  const file = imageName(backup.backup_id);
  return faults.map((fault) => ({ code: "IMAGE_UNSAFE", message: `${file} is refused: ${fault}`, file }));
}

function backingFaults(backup: Sidecar, parent: Sidecar | null, header: Qcow2Header): string[] {
  // Inside a LUKS container a name could not tell QEMU how to open the parent, so that there must be none.
  const expected = parent === null || backup.image.encryption !== null ? null : imageName(parent.backup_id);
  const { backingFile, backingFormat } = header;
  if (backingFile !== expected)
    return [`its backing file is ${JSON.stringify(backingFile)} instead of ${JSON.stringify(expected)}`];
  if (backingFile === null || backingFormat === "qcow2") return [];
  return [`the format of its backing file is ${JSON.stringify(backingFormat)} instead of "qcow2"`];
}
