/** The disk's bytes as a worker thread reads them. */
import { closeSync, openSync, readSync } from "node:fs";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import type { NbdEndpoint } from "../nbd/endpoint.ts";
import { openMapped } from "./mapped-source.ts";
import type { BlockReader } from "./messages.ts";

export type BlockSource = {
  /** Neighbouring blocks that are worth reading together. */
  runBlocks: number;
  /** Reads that are worth having under way at once. */
  depth: number;
  /** Memory that `read` can fill, where it needs memory of a kind. */
  allocate?: (bytes: number) => Buffer;
  /** Fills the whole buffer. Errors: SOURCE_CHANGED when the source ends before, IO_ERROR with the offset, NBD's own. */
  read(offset: number, buffer: Uint8Array): void | Promise<void>;
  /** Pending reads fail. */
  close(): Promise<void>;
};

const FILE_RUN_BLOCKS = 16;
/** What arrives in 256 KiB is still in the core's cache when it is hashed; several under way hide the latency. */
const NBD_RUN_BLOCKS = 4;
const NBD_DEPTH = 8;

/**
 * Opens the source; the signal ends it, also while it still connects. Errors: NOT_FOUND, NO_PERMISSION, SOURCE_CHANGED when an
 * export is smaller than the disk should be, and NBD's own.
 */
export async function openBlockSource(
  reader: BlockReader,
  diskSize: number,
  signal: AbortSignal,
): Promise<BlockSource> {
  switch (reader.kind) {
    case "file":
      return openFile(reader.path);
    case "mapped":
      return openMapped(reader);
    case "nbd":
      return await openNbd(reader.endpoint, diskSize, signal);
  }
}

function openFile(path: string): BlockSource {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    throw asHoldfastError(error, `opening ${path}`);
  }
  return {
    // A blocking read is the fastest way to the page cache, and the thread has nothing else to do.
    depth: 1,
    runBlocks: FILE_RUN_BLOCKS,
    read: (offset, buffer) => readWhole(descriptor, path, offset, buffer),
    close: async () => closeSync(descriptor),
  };
}

function readWhole(descriptor: number, path: string, offset: number, buffer: Uint8Array): void {
  let done = 0;
  while (done < buffer.length) {
    let count: number;
    try {
      count = readSync(descriptor, buffer, done, buffer.length - done, offset + done);
    } catch (error) {
      throw new HoldfastError("IO_ERROR", {
        message: `reading ${path} failed at byte ${offset + done}`,
        remedy: "Check the disk (smartctl, dmesg) before you trust it further.",
        details: error instanceof Error ? error.message : String(error),
        cause: error,
      });
    }
    if (count === 0) throw shrank(path, offset + done);
    done += count;
  }
}

function shrank(name: string, end: number): HoldfastError {
  return new HoldfastError("SOURCE_CHANGED", {
    message: `the source shrank while it was read: ${name} ends at byte ${end}`,
    remedy: "Stop what resizes the disk, or back up from a snapshot; then run it again.",
  });
}

async function openNbd(endpoint: NbdEndpoint, diskSize: number, signal: AbortSignal): Promise<BlockSource> {
  // Loaded only here, so that threads that read files start without it.
  const { connectNbd } = await import("../nbd/client.ts");
  const connection = await connectNbd(endpoint, { signal, unfragmentedReads: true });
  if (connection.size < diskSize) {
    await connection.close();
    throw shrank("the NBD export", connection.size);
  }
  return {
    depth: NBD_DEPTH,
    runBlocks: NBD_RUN_BLOCKS,
    read: (offset, buffer) => connection.read(offset, buffer),
    close: () => connection.close(),
  };
}
