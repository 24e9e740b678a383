/** Reading a point's blocks straight from the medium, which takes half of the work that reading through QEMU takes. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { BlockReader } from "../blockmap/scan.ts";
import { mapClusters } from "../qemu/cluster-map.ts";
import type { PreparedPoint } from "./point.ts";

async function canReadDirectly(path: string): Promise<boolean> {
  if (constants.O_DIRECT === undefined) return false;
  try {
    await (await open(path, constants.O_RDONLY | constants.O_DIRECT)).close();
    return true;
  } catch {
    return false;
  }
}

async function allDirect(paths: readonly string[]): Promise<boolean> {
  return (await Promise.all(paths.map(canReadDirectly))).every((direct) => direct);
}

/**
 * A reader of the point's uncompressed, unencrypted chain; undefined when QEMU has to read it. That the tables are
 * read as QEMU reads them is no claim of ours: a block found in the wrong place would not match its digest. What
 * ranges hold data is asked of QEMU all the same.
 */
export async function directReader(point: PreparedPoint, signal?: AbortSignal): Promise<BlockReader | undefined> {
  const files = point.layers.map((layer) => layer.path);
  const plain = point.layers.every((layer) => layer.luksSecret === undefined);
  if (!plain || !(await allDirect(files))) return undefined;
  const map = await mapClusters(files, point.backup.total_bytes, signal);
  return map === null ? undefined : { kind: "mapped", ...map };
}

/** A reader of a raw file or device of that size. */
export async function directRawReader(path: string, diskSize: number): Promise<BlockReader | undefined> {
  if (!(await allDirect([path]))) return undefined;
  const runs = new Float64Array(new SharedArrayBuffer(4 * Float64Array.BYTES_PER_ELEMENT));
  runs.set([0, diskSize, 0, 0]);
  return { kind: "mapped", files: [path], runs };
}
