import type { Sidecar } from "@holdfast/protocol";
import { digestMapFile, openMap } from "../../blockmap/map-file.ts";
import { scanDisk } from "../../blockmap/scan.ts";
import type { Segment } from "../../blockmap/segment.ts";
import { HoldfastError } from "../../errors.ts";
import { connectNbd } from "../../nbd/client.ts";
import { BASE_ALLOCATION } from "../../nbd/extents.ts";
import { addChain, folderOfChain } from "../../qemu/chain.ts";
import { startStorageDaemon } from "../../qemu/daemon.ts";
import type { CatalogueDisk } from "../../repository/catalogue.ts";
import { mapPath } from "../../repository/layout.ts";
import { asDamage, readFailure } from "../../restore/damage.ts";
import { preparePoint } from "../../restore/point.ts";
import { isDisconnect } from "../../verifiers/steady-client.ts";
import type { EngineKey } from "../engine.ts";
import { dataRanges } from "./ranges.ts";

/** What an increment is compared with: the digests of the restore point it builds on. */
export type Parent = {
  sidecar: Sidecar;
  /** `map`: from its hash map, which was checked; `chain`: its map is lost, so the chain itself is read again. */
  knownBy: "map" | "chain";
  reason: string;
  /** Of the tags in `segments`; null where they have none. */
  tagKey: Uint8Array | null;
  segments: () => AsyncGenerator<Segment>;
  /** Set once `segments` has ended because the chain cannot be read, which is no reason not to make a full. */
  problem?: string;
};

/**
 * Finds out how the newest restore point of a chain can be compared with; a sentence when its chain is damaged. Nothing
 * is read beyond its map, or the headers of its chain when the map is lost.
 */
export async function openParent(disk: CatalogueDisk, key: EngineKey | null): Promise<Parent | string | null> {
  const { folder } = disk;
  const sidecar = disk.chains.at(-1)?.backups.at(-1);
  if (!sidecar) return null;
  const map = await checkMap(folder, sidecar, key);
  if (typeof map !== "string") {
    const reason = `the hash map of ${sidecar.backup_id} is whole`;
    return { sidecar, knownBy: "map", reason, tagKey: map.tagKey, segments: () => readMap(folder, sidecar, key) };
  }
  const lost = `the hash map of ${sidecar.backup_id} cannot be used (${map})`;
  const damage = await chainProblem(disk, sidecar, key);
  if (damage !== null) return `${lost}, and its chain cannot be read: ${damage}`;
  return knownByChain(disk, sidecar, key, lost);
}

/** A parent whose content is read again; when that fails it tells why. */
function knownByChain(disk: CatalogueDisk, sidecar: Sidecar, key: EngineKey | null, lost: string): Parent {
  const reason = `${lost}, so its content was read again`;
  const parent: Parent = { sidecar, knownBy: "chain", reason, tagKey: null, segments: readOrTell };
  async function* readOrTell(): AsyncGenerator<Segment> {
    try {
      yield* readChain(disk, sidecar, key);
    } catch (error) {
      const found = asDamage(readFailure(error, `the chain of ${sidecar.backup_id}`));
      if (found !== undefined || isDisconnect(error))
        parent.problem = `${lost}, and its content cannot be read: ${found?.message ?? String(error)}`;
      throw error;
    }
  }
  return parent;
}

type CheckedMap = { tagKey: Uint8Array | null };

/** The map as far as it was looked at, or in words why it cannot be used. */
async function checkMap(folder: string, sidecar: Sidecar, key: EngineKey | null): Promise<CheckedMap | string> {
  if (sidecar.hash_map.encrypted && key === null) return "it is encrypted and there is no key";
  const path = mapPath(folder, sidecar.backup_id);
  try {
    const { sha256 } = await digestMapFile(path);
    if (sha256 !== sidecar.hash_map.sha256) return "its digest is not the one in the sidecar";
    const map = await openMap(path, mapKeyOf(sidecar, key));
    await map.close();
    return { tagKey: map.tagKey };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Found out before anything is copied: a damaged chain must not keep a full from being made instead. */
async function chainProblem(disk: CatalogueDisk, sidecar: Sidecar, key: EngineKey | null): Promise<string | null> {
  try {
    await preparePoint(disk, sidecar.backup_id, { keys: key });
    return null;
  } catch (error) {
    const damage = asDamage(error);
    if (damage === undefined) throw error;
    return damage.message;
  }
}

const mapKeyOf = (sidecar: Sidecar, key: EngineKey | null): { key?: Uint8Array } =>
  sidecar.hash_map.encrypted && key !== null ? { key: key.mapKey } : {};

async function* readMap(folder: string, sidecar: Sidecar, key: EngineKey | null): AsyncGenerator<Segment> {
  const map = await openMap(mapPath(folder, sidecar.backup_id), mapKeyOf(sidecar, key));
  try {
    yield* map.segments();
  } finally {
    await map.close();
  }
}

async function* readChain(disk: CatalogueDisk, sidecar: Sidecar, key: EngineKey | null): AsyncGenerator<Segment> {
  const { layers, secrets } = await preparePoint(disk, sidecar.backup_id, { keys: key });
  await using daemon = await startStorageDaemon({ secrets, folder: folderOfChain(layers) });
  await addChain(daemon, "parent", layers);
  const endpoint = await daemon.exportNbd({ node: "parent", name: "parent" });
  const client = await connectNbd(endpoint, { contexts: [BASE_ALLOCATION] });
  try {
    if (client.size !== sidecar.total_bytes) {
      throw new HoldfastError("REPOSITORY_DAMAGED", {
        message: `${sidecar.backup_id} has not the size its sidecar says`,
      });
    }
    const data = dataRanges(client);
    // One worker: the scan of the source, which runs at the same time, has the others.
    const scan = scanDisk({ diskSize: client.size, reader: { kind: "nbd", endpoint }, data, workers: 1 });
    for await (const { actual } of scan) yield actual;
  } finally {
    await client.close();
  }
}
