/** What a scan and its worker threads say to each other. */
import type { NbdEndpoint } from "../nbd/endpoint.ts";

/** Where the disk's bytes come from; each worker opens it for itself. `nbd` is an export of a storage daemon of ours. */
export type BlockReader = { kind: "file"; path: string } | { kind: "nbd"; endpoint: NbdEndpoint } | MappedReader;

/**
 * A disk whose data lies in files at known places. `runs`, ascending, four numbers each: offset on the disk, length,
 * index into `files`, offset in that file; all but the index in bytes and multiples of 64 KiB.
 */
export type MappedReader = { kind: "mapped"; files: string[]; runs: Float64Array<SharedArrayBuffer> };

export type OpenRequest = {
  kind: "open";
  reader: BlockReader;
  diskSize: number;
  /** One Int32 shared by all workers of a scan; not 0 = stop reading. Heard between two reads, unlike a message. */
  stop: Int32Array<SharedArrayBuffer>;
  /** For tags beside the digests; null: none are made. */
  tagKey: Uint8Array | null;
};

/** Blocks of a segment to read and hash. */
export type HashTask = {
  index: number;
  wanted: Uint8Array;
  /** Blocks that have the tag which is expected here are not hashed. */
  expected: { present: Uint8Array; tags: Uint8Array } | null;
};

export type HashRequest = { kind: "hash"; id: number; task: HashTask };

/** Stop, let go of the source, answer with `closed`. */
export type CloseRequest = { kind: "close" };

export type Request = OpenRequest | HashRequest | CloseRequest;

/** The wanted blocks that are not zeros, as the present blocks of a segment; but for the `same`. */
export type HashedBlocks = {
  present: Uint8Array;
  digests: Uint8Array;
  /** Of the same blocks as the digests; empty without a key. */
  tags: Uint8Array;
  /** The blocks that have the expected tag. */
  same: Uint8Array;
  bytesRead: number;
};

/** A HoldfastError on its way between threads. */
export type ErrorMessage = { code: string; message: string; remedy?: string; details?: string };

export type Reply =
  | { kind: "hashed"; id: number; hashed: HashedBlocks }
  | { kind: "failed"; id: number; error: ErrorMessage }
  | { kind: "closed" };
