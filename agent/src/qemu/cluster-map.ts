/** Where the guest's data lies in the files of a chain, so that it can be read without QEMU in between. */
import { type FileHandle, open } from "node:fs/promises";
import { parseQcow2Header, QCOW2_HEADER_BYTES, type Qcow2Header } from "./header.ts";
import { COMPRESSED, clusterAt, INVALID, READS_AS_ZEROS, readFully, readL1, UNALLOCATED } from "./tables.ts";

/**
 * Runs of data, ascending by guest offset, four numbers each: guest offset, length, index into `files`, offset in
 * that file; all but the index in bytes and multiples of 64 KiB. What no run covers reads as zeros.
 */
export type ClusterMap = { files: string[]; runs: Float64Array<SharedArrayBuffer> };

const BLOCK = 65_536;
const NUMBERS = 4;
/** A map of this many runs takes 128 MiB; beyond it the disk is too fragmented to be read this way. */
const MOST_RUNS = 4 * 2 ** 20;

type Layer = {
  file: FileHandle;
  index: number;
  header: Qcow2Header;
  l1: number[];
  /** The L2 table looked at last, and which one it is. */
  l2: { index: number; table: Buffer | null };
};

async function openLayer(path: string, index: number): Promise<Layer> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const header = parseQcow2Header(await readFully(file, 0, Math.min(size, QCOW2_HEADER_BYTES)));
    return { file, index, header, l1: await readL1(file, header, size), l2: { index: -1, table: null } };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Loads the layer's L2 table for a guest offset; returns up to where (exclusive) that table speaks. */
async function seek(layer: Layer, guest: number): Promise<number> {
  const clusterBytes = 2 ** layer.header.clusterBits;
  const covered = (clusterBytes / 8) * clusterBytes;
  const index = Math.floor(guest / covered);
  if (layer.l2.index !== index) {
    const offset = layer.l1[index] ?? 0;
    layer.l2 = { index, table: offset === 0 ? null : await readFully(layer.file, offset, clusterBytes) };
  }
  return (index + 1) * covered;
}

/** Offset of a guest block in the layer's file, or one of the answers of `clusterAt`. Its table must be loaded. */
function lookUp({ header, l2 }: Layer, guest: number): number {
  if (l2.table === null) return UNALLOCATED;
  const clusterBytes = 2 ** header.clusterBits;
  const inTable = guest % ((clusterBytes / 8) * clusterBytes);
  const cluster = clusterAt(l2.table, Math.floor(inTable / clusterBytes));
  return cluster < 0 ? cluster : cluster + (inTable % clusterBytes);
}

type Builder = { add: (guest: number, file: number, offset: number) => boolean; finish: () => ClusterMap["runs"] };

/** Joins blocks that follow each other both on the disk and in the file; `add` is false once there are too many. */
function createBuilder(): Builder {
  const runs: number[] = [];
  return {
    add: (guest, file, offset) => {
      const at = runs.length - NUMBERS;
      const length = runs[at + 1] ?? 0;
      const follows = runs[at] === guest - length && runs[at + 2] === file && runs[at + 3] === offset - length;
      if (at >= 0 && follows) runs[at + 1] = length + BLOCK;
      else runs.push(guest, BLOCK, file, offset);
      return runs.length <= MOST_RUNS * NUMBERS;
    },
    finish: () => {
      const shared = new Float64Array(new SharedArrayBuffer(runs.length * Float64Array.BYTES_PER_ELEMENT));
      shared.set(runs);
      return shared;
    },
  };
}

/** Finds each block of [from, to), whose tables are loaded; false when QEMU must read one, or all is too much. */
function mapStretch(topDown: readonly Layer[], from: number, to: number, builder: Builder): boolean {
  for (let guest = from; guest < to; guest += BLOCK) {
    for (const layer of topDown) {
      const found = lookUp(layer, guest);
      if (found === UNALLOCATED) continue;
      if (found === COMPRESSED || found === INVALID) return false;
      if (found !== READS_AS_ZEROS && !builder.add(guest, layer.index, found)) return false;
      break;
    }
  }
  return true;
}

/**
 * The map of a chain of plain qcow2 files, full first, whose headers were checked. Null when it cannot be read this
 * way: compressed clusters, entries that make no sense, clusters below 64 KiB, or too many runs. Throws REPOSITORY_DAMAGED for absurd tables.
 */
export async function mapClusters(files: string[], diskSize: number, signal?: AbortSignal): Promise<ClusterMap | null> {
  const layers: Layer[] = [];
  try {
    for (const [index, path] of files.entries()) layers.push(await openLayer(path, index));
    const suits = ({ header }: Layer): boolean => 2 ** header.clusterBits >= BLOCK && !header.extendedL2;
    if (!layers.every(suits)) return null;
    const topDown = layers.toReversed();
    const builder = createBuilder();
    for (let from = 0; from < diskSize; ) {
      signal?.throwIfAborted();
      const ends: number[] = [];
      for (const layer of topDown) ends.push(await seek(layer, from));
      const to = Math.min(diskSize, ...ends);
      const holds = layers.filter((layer) => layer.l2.table !== null);
      if (holds.length > 0 && !mapStretch(topDown, from, to, builder)) return null;
      from = to;
    }
    return { files, runs: builder.finish() };
  } finally {
    await Promise.all(layers.map((layer) => layer.file.close()));
  }
}
