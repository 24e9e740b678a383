import type { BlockReader } from "../../blockmap/scan.ts";
import { HoldfastError } from "../../errors.ts";
import { connectNbd, type NbdClient } from "../../nbd/client.ts";
import { BASE_ALLOCATION } from "../../nbd/extents.ts";
import type { StorageDaemon } from "../../qemu/daemon.ts";
import { type OpenSource, SOURCE_NODE } from "./source.ts";

const EXPORT = "source";

/** One disk's storage daemon with the source in it, and our own eyes on that source. */
export type DiskSession = {
  daemon: StorageDaemon;
  source: OpenSource;
  /** Virtual size in bytes. */
  size: number;
  /** How the hash workers read: the file itself where its bytes are the disk's, else over NBD. */
  reader: BlockReader;
  /** Connection that answers which ranges hold data. */
  client: NbdClient;
  /** Connection and context that answer which ranges are dirty; null when there is no bitmap. */
  dirty: { client: NbdClient; context: string } | null;
  /** Ends connections and daemon at once; never throws. */
  [Symbol.asyncDispose]: () => Promise<void>;
};

async function connectDirty(source: OpenSource, own: NbdClient): Promise<DiskSession["dirty"]> {
  const { dirty } = source;
  if (dirty.via === "none") return null;
  if (dirty.via === "own-export") return { client: own, context: `qemu:dirty-bitmap:${dirty.bitmap}` };
  return { client: await connectNbd(dirty.endpoint, { contexts: [dirty.context] }), context: dirty.context };
}

/** Opens a frozen source in a storage daemon of its own. Throws SOURCE_NOT_A_DISK with QEMU's words when it cannot. */
export async function openSession(source: OpenSource, daemon: StorageDaemon): Promise<DiskSession> {
  const clients: NbdClient[] = [];
  const dispose = async (): Promise<void> => {
    await Promise.all(clients.map((client) => client.close()));
    await daemon[Symbol.asyncDispose]();
  };
  try {
    await daemon.addNode(source.node).catch((cause: unknown) => {
      if (cause instanceof HoldfastError && cause.code === "TIMEOUT") throw cause;
      const message = `${source.description} could not be opened as a ${source.format} disk`;
      const details = cause instanceof Error ? cause.message : String(cause);
      throw new HoldfastError("SOURCE_NOT_A_DISK", {
        message,
        remedy: "Check the source's path and format.",
        details,
        cause,
      });
    });
    const bitmaps = source.dirty.via === "own-export" ? [source.dirty.bitmap] : [];
    const endpoint = await daemon.exportNbd({ node: SOURCE_NODE, name: EXPORT, bitmaps });
    const contexts = [BASE_ALLOCATION, ...bitmaps.map((name) => `qemu:dirty-bitmap:${name}`)];
    const client = await connectNbd(endpoint, { contexts });
    clients.push(client);
    const dirty = await connectDirty(source, client);
    if (dirty !== null) clients.push(dirty.client);
    const reader: BlockReader =
      source.rawFile === null ? { kind: "nbd", endpoint } : { kind: "file", path: source.rawFile };
    return { daemon, source, size: client.size, reader, client, dirty, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
