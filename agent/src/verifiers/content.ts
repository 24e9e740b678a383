/** Every block of the disk, read through the chain past the page cache, against the hash map. */

import type { Sidecar } from "@holdfast/protocol";
import { type OpenMap, openMap } from "../blockmap/map-file.ts";
import { HoldfastError } from "../errors.ts";
import type { CatalogueDisk } from "../repository/catalogue.ts";
import { mapPath } from "../repository/layout.ts";
import { asDamage, sentence } from "../restore/damage.ts";
import { directReader } from "../restore/direct-reader.ts";
import { virtualSizeOf } from "../restore/image-header.ts";
import { type BackupKeys, mapKeyFor, wrongKey } from "../restore/keys.ts";
import { type OpenExport, openPoint, type PreparedPoint, prepareImage, preparePoint } from "../restore/point.ts";
import { addedBlocks, compareKept, onlyIn } from "./added.ts";
import { compareWithMap } from "./compare.ts";
import type { Part, PartContext, PartOutcome } from "./part.ts";

export const content: Part = {
  name: "content",
  run: async (context) => {
    const { findings } = context;
    const before = findings.total();
    try {
      return await compareContent(context);
    } catch (error) {
      const damage = asDamage(error);
      if (damage === undefined) throw error;
      // What an earlier part found and named is not said twice.
      if (before === 0) findings.add(damage);
      return { ran: findings.total() > before };
    }
  },
};

async function compareContent(context: PartContext): Promise<PartOutcome> {
  const { disk, line, findings, options } = context;
  const { keys, signal, parentProven } = options;
  const added = parentProven === "read what it adds" ? await compareAdded(context) : null;
  if (added !== null) return added;
  const point = await preparePoint(disk, line.backup.backup_id, { keys, signal });
  await using map = await openBackupMap(disk, line.backup, keys, findings.total() === 0);
  await using opened: OpenExport = await openPoint(point, signal);
  return await compareOpened(context, map, point, opened);
}

/** What the backup's own image holds is read, and for the rest its map says what its parent's says; null: not possible. */
async function compareAdded(context: PartContext): Promise<PartOutcome | null> {
  const { disk, line, findings, options } = context;
  const { keys, signal } = options;
  const parent = line.layers.at(-2);
  if (parent === undefined) return null;
  const own = await prepareImage(disk, line.backup.backup_id, { keys, signal });
  await using map = await openBackupMap(disk, line.backup, keys, findings.total() === 0);
  await using before = await openBackupMap(disk, parent, keys, false);
  await using opened: OpenExport = await openPoint(own, signal, { depths: true });
  const added = await addedBlocks(opened.endpoint, signal);
  if (added === null) return null;
  await compareKept(map, before, added, findings);
  return await compareOpened(context, { ...map, segments: () => onlyIn(map.segments(), added) }, own, opened);
}

async function compareOpened(
  { line, findings, options }: PartContext,
  map: OpenMap,
  point: PreparedPoint,
  opened: OpenExport,
): Promise<PartOutcome> {
  const { signal, speedLimit, workers } = options;
  const { data_blocks, block_size } = line.backup.hash_map;
  const totalBytes = Math.min(data_blocks * block_size, line.backup.total_bytes);
  const onProgress = (doneBytes: number): void => options.onProgress?.({ part: "content", doneBytes, totalBytes });
  const reader = opened.cached ? undefined : await directReader(point, signal);
  const request = { endpoint: opened.endpoint, reader, map, findings, signal, speedLimit, workers, onProgress };
  const { bytesRead, complete } = await compareWithMap(request);
  if (!complete)
    findings.add({ code: "GIVEN_UP", message: "so much of the disk cannot be read that the rest was not tried" });
  return { ran: true, bytesRead, cached: opened.cached };
}

export type BackupMap = OpenMap & AsyncDisposable;

/**
 * Opens a backup's hash map. MAP_DAMAGED when it is damaged, missing or another disk's; ENCRYPTION_NOT_READY without a
 * key, and when the file is known to be intact (`intact`) and still does not open.
 */
export async function openBackupMap(
  disk: CatalogueDisk,
  backup: Sidecar,
  keys: BackupKeys | null,
  intact: boolean,
): Promise<BackupMap> {
  const key = mapKeyFor(backup, keys);
  const file = backup.hash_map.file_name;
  const map = await openMap(mapPath(disk.folder, backup.backup_id), { key }).catch((error: unknown) => {
    const code = error instanceof HoldfastError ? error.code : undefined;
    if (code === "MAP_DAMAGED" && key !== undefined && intact) throw wrongKey(file, error);
    if (code === "NOT_FOUND" || code === "BAD_REQUEST")
      throw new HoldfastError("MAP_DAMAGED", { message: sentence(`${file}: ${String(error)}`), cause: error });
    throw error;
  });
  const { diskSize } = map.header;
  if (diskSize === backup.total_bytes || diskSize === virtualSizeOf(backup))
    return { ...map, [Symbol.asyncDispose]: map.close };
  await map.close();
  throw new HoldfastError("MAP_DAMAGED", { message: `${file} is of a disk of ${diskSize} bytes` });
}
