import type { NbdEndpoint } from "../nbd/endpoint.ts";
import type { BlockNode } from "./daemon.ts";

/** One image of a chain in a repository; `luksSecret` is the id of the secret that opens the LUKS container round it. */
export type Layer = { path: string; luksSecret?: string };

export type FileOptions = {
  /** Read and write past the page cache. */
  direct?: boolean;
  /** QEMU never waits for the medium; for a file that whoever made it syncs before it counts. */
  noFlush?: boolean;
  /** QEMU's image locks. Off for sources, so that a VM can be started meanwhile. */
  locking?: boolean;
  readOnly?: boolean;
};

/** A file (or block device) as a protocol node. */
export function fileNode(path: string, options: FileOptions = {}, driver: "file" | "host_device" = "file"): BlockNode {
  return {
    driver,
    filename: path,
    locking: options.locking === false ? "off" : "auto",
    ...(options.readOnly && { "read-only": true }),
    // The thread pool, also for direct I/O: native AIO is no faster here, and to end costs it 30 ms.
    ...((options.direct || options.noFlush) && { cache: cacheOf(options) }),
  };
}

const cacheOf = ({ direct = false, noFlush = false }: FileOptions): object => ({ direct, "no-flush": noFlush });

/** The bytes that a qcow2 image lies in: the file itself, or the inside of the LUKS container in it. */
export function containerNode(layer: Layer, options: FileOptions = {}): BlockNode {
  const file = fileNode(layer.path, options);
  if (layer.luksSecret === undefined) return file;
  return { driver: "luks", "key-secret": layer.luksSecret, file, ...(options.readOnly && { "read-only": true }) };
}

/** A chain of qcow2 images, full first, as one read-only node; no name in any header is ever followed. */
export function chainNode(name: string, layers: readonly Layer[], options: FileOptions = {}): BlockNode {
  const readOnly = { ...options, readOnly: true };
  const top = layers.reduce<BlockNode | null>(
    (backing, layer) => ({ driver: "qcow2", "read-only": true, file: containerNode(layer, readOnly), backing }),
    null,
  );
  return { ...top, driver: "qcow2", "node-name": name };
}

/** What an NBD server exports, to be read. */
export function nbdNode(endpoint: NbdEndpoint): BlockNode {
  const server =
    endpoint.transport === "unix"
      ? { type: "unix", path: endpoint.socket }
      : { type: "inet", host: endpoint.host, port: String(endpoint.port) };
  return { driver: "nbd", server, export: endpoint.exportName, "read-only": true };
}

/** The same graph as a file name for qemu-img. */
export function asJsonFilename(node: BlockNode): string {
  const { "node-name": _name, ...rest } = node;
  return `json:${JSON.stringify(rest)}`;
}
