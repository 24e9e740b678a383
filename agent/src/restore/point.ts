/** A restore point, opened: its chain as one read-only disk. */
import { statfs } from "node:fs/promises";
import type { Sidecar } from "@holdfast/protocol";
import { HoldfastError } from "../errors.ts";
import type { NbdEndpoint } from "../nbd/endpoint.ts";
import { addChain, folderOfChain } from "../qemu/chain.ts";
import { type StorageDaemon, startStorageDaemon } from "../qemu/daemon.ts";
import type { Layer } from "../qemu/graph.ts";
import type { CatalogueDisk } from "../repository/catalogue.ts";
import { asDamage, readFailure } from "./damage.ts";
import { headerFaults, layerOf, readImageHeader } from "./image-header.ts";
import { type BackupKeys, secretsFor } from "./keys.ts";
import { wholeLine } from "./line.ts";

export type PointOptions = { keys: BackupKeys | null; signal?: AbortSignal | undefined };

/** A chain that QEMU may be given. */
export type PreparedPoint = {
  backup: Sidecar;
  /** Full first. */
  layers: Layer[];
  secrets: Map<string, Uint8Array>;
};

/** A node of a private storage daemon, exported read-only over NBD until it is disposed of. */
export type OpenExport = {
  endpoint: NbdEndpoint;
  /** true: its bytes come through the page cache (or never leave memory). */
  cached: boolean;
  /** Makes of an error what it is when the daemon's own sudden end lies behind it: TOOL_FAILED. */
  explain: (error: unknown) => Promise<unknown>;
  [Symbol.asyncDispose]: () => Promise<void>;
};

/** File systems whose "direct I/O" reads memory: tmpfs and ramfs. */
const MEMORY_FILE_SYSTEMS: readonly number[] = [0x0102_1994, 0x8584_58f6];

/**
 * The layers of a restore point, after our own look at each header. REPOSITORY_DAMAGED when one is missing or refused,
 * NOT_FOUND for an unknown backup, ENCRYPTION_NOT_READY when a key is missing or another one.
 */
export async function preparePoint(
  disk: CatalogueDisk,
  backupId: string,
  options: PointOptions,
): Promise<PreparedPoint> {
  const { backup, layers } = wholeLine(disk, backupId);
  return await prepare(disk, backup, layers, 0, options);
}

/** As `preparePoint`, the backup's own image alone: what only its parents hold is missing from it. */
export async function prepareImage(
  disk: CatalogueDisk,
  backupId: string,
  options: PointOptions,
): Promise<PreparedPoint> {
  const { backup, layers } = wholeLine(disk, backupId);
  return await prepare(disk, backup, layers, layers.length - 1, options);
}

async function prepare(
  { folder }: CatalogueDisk,
  backup: Sidecar,
  line: readonly Sidecar[],
  from: number,
  { keys, signal }: PointOptions,
): Promise<PreparedPoint> {
  const layers = line.slice(from);
  const secrets = secretsFor(layers, keys);
  for (const [index, layer] of layers.entries()) {
    const header = await readImageHeader(folder, layer, { secrets, signal }).catch((error) => {
      throw asDamage(error) === undefined ? error : refused(`${layer.file_name}: ${error.message}`, error);
    });
    const [fault] = headerFaults(layer, line[from + index - 1] ?? null, header);
    if (fault !== undefined) throw refused(fault.message);
  }
  return { backup, layers: layers.map((layer) => layerOf(folder, layer)), secrets };
}

function refused(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError("REPOSITORY_DAMAGED", {
    message,
    remedy: "Bring the file back from a copy of the repository, or restore another point.",
    cause,
  });
}

/** Exports a prepared point, read past the page cache where the file system can do that. Throws as `preparePoint`. */
export async function openPoint(
  point: PreparedPoint,
  signal?: AbortSignal,
  { depths = false }: { depths?: boolean } = {},
): Promise<OpenExport> {
  const { layers, secrets } = point;
  const paths = layers.map((layer) => layer.path);
  const add = (daemon: StorageDaemon, direct: boolean) => addChain(daemon, "point", layers, { direct, signal });
  try {
    return await openExport({ name: "point", paths, folder: folderOfChain(layers), add, secrets, signal, depths });
  } catch (error) {
    throw readFailure(error, point.backup.file_name);
  }
}

export type ExportRequest = {
  name: string;
  /** The files under the node. */
  paths: readonly string[];
  /** Adds the graph, whose top node has the name. */
  add: (daemon: StorageDaemon, direct: boolean) => Promise<void>;
  /** Where the daemon runs. */
  folder?: string;
  /** Whether it tells what lies in the top image. */
  depths?: boolean;
  secrets?: ReadonlyMap<string, Uint8Array>;
  signal?: AbortSignal | undefined;
};

/** Opens files in a storage daemon of their own with direct I/O, without it where that is impossible. */
export async function openExport(request: ExportRequest): Promise<OpenExport> {
  const { name, add, paths, signal, secrets = new Map<string, Uint8Array>(), folder, depths = false } = request;
  const daemon = await startStorageDaemon({ secrets, signal, ...(folder !== undefined && { folder }) });
  try {
    const direct = await tryDirect((wanted) => add(daemon, wanted));
    const endpoint = await daemon.exportNbd({ node: name, name, depths });
    const cached = !direct || (await liesInMemory(paths));
    return { endpoint, cached, explain: daemon.explain, [Symbol.asyncDispose]: daemon[Symbol.asyncDispose] };
  } catch (error) {
    await daemon[Symbol.asyncDispose]();
    throw error;
  }
}

/** Tries with direct I/O first; resolves with whether that worked. Only a refusal of direct I/O leads to a second try. */
export async function tryDirect(open: (direct: boolean) => Promise<unknown>): Promise<boolean> {
  try {
    await open(true);
    return true;
  } catch (error) {
    if (!(error instanceof HoldfastError) || !/O_DIRECT|aio=|AIO/.test(`${error.message} ${error.details}`))
      throw error;
    await open(false);
    return false;
  }
}

async function liesInMemory(paths: readonly string[]): Promise<boolean> {
  const types = await Promise.all(paths.map(async (path) => (await statfs(path)).type));
  return types.some((type) => MEMORY_FILE_SYSTEMS.includes(type));
}
