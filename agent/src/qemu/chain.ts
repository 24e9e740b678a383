/** Opening a chain of any length in a storage daemon. */
import { basename, dirname } from "node:path";
import { HoldfastError } from "../errors.ts";
import type { BlockNode, StorageDaemon } from "./daemon.ts";
import { containerNode, type FileOptions, type Layer } from "./graph.ts";

/**
 * The folder that a daemon has to run in for `addChain`. Where a backing file is called what the header above it calls it,
 * QEMU 7.2 needs no description of all that is below: with these, time grows with the third power of the length (27 s
 * and 1.2 GB for 400 images, docs/decisions/0015). Our headers name the file alone; encrypted images hold no names.
 */
export function folderOfChain(layers: readonly Layer[]): string {
  return dirname(layers[0]?.path ?? ".");
}

/**
 * Adds a chain of qcow2 images in one folder, full first, as one read-only node; no name in any header is ever followed.
 * Each image is a node of its own, because nested options cost as much as descriptions do. QMP_FAILED leaves none
 * behind. CANCELLED.
 */
export async function addChain(
  daemon: Pick<StorageDaemon, "addNode" | "removeNode">,
  name: string,
  layers: readonly Layer[],
  { signal, ...options }: FileOptions & { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const added: string[] = [];
  try {
    for (const node of chainNodes(name, layers, options)) {
      if (signal?.aborted === true) throw new HoldfastError("CANCELLED", { message: "opening the chain: cancelled" });
      await daemon.addNode(node);
      added.unshift(node["node-name"]);
    }
  } catch (error) {
    // A daemon that does not answer any more is ended; it would not answer here either.
    if (error instanceof HoldfastError && error.code === "QMP_FAILED") await removeAll(daemon, added);
    throw error;
  }
}

async function removeAll(daemon: Pick<StorageDaemon, "removeNode">, names: readonly string[]): Promise<void> {
  try {
    for (const name of names) await daemon.removeNode(name);
  } catch {}
}

type NamedNode = BlockNode & { "node-name": string };

function chainNodes(name: string, layers: readonly Layer[], options: FileOptions): NamedNode[] {
  const nameOf = (at: number): string => (at === layers.length - 1 ? name : `${name}-${at}`);
  return layers.map((layer, at) => ({
    ...{ driver: "qcow2", "node-name": nameOf(at), "read-only": true },
    file: containerNode({ ...layer, path: basename(layer.path) }, { ...options, readOnly: true }),
    backing: at === 0 ? null : nameOf(at - 1),
  }));
}
