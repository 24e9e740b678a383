/** Block hash maps on disk: written once from front to back, read as a stream, never held in memory. */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import { encodeEnd, encodeHeader, encodeLength, encodeSegment, encodeTagKey } from "./map-format.ts";
import { type OpenMap, readMap } from "./map-reader.ts";
import { checksumSeal, encryptingSeal, KEY_BYTES, SALT_BYTES } from "./map-seal.ts";
import { countBlocks, isBlank, type Segment, segmentFault } from "./segment.ts";

export type { OpenMap } from "./map-reader.ts";

const FLUSH_BYTES = 512 * 1024;

export type MapSummary = {
  /** Hex, of the file as it is stored (the ciphertext when encrypted). */
  sha256: string;
  sizeBytes: number;
  dataBlocks: number;
};

export type MapWriter = {
  /** Indexes must ascend strictly; a segment without data is left out. One call at a time. */
  append(segment: Segment): Promise<void>;
  /** Writes the end record, syncs and closes. */
  finish(): Promise<MapSummary>;
  /** Closes and removes the file. */
  abort(): Promise<void>;
};

/**
 * Creates the map at `path`, which must not exist yet; give a partial name and rename it after `finish`.
 * With a key (32 bytes) every record is AES-256-GCM; with a tag key the segments' tags are kept. Errors: NO_SPACE, NO_PERMISSION and the like; INTERNAL for a
 * segment out of order or outside the disk. After an error call `abort`.
 */
export async function createMapWriter(
  path: string,
  options: { diskSize: number; key?: Uint8Array | undefined; tagKey?: Uint8Array | undefined },
): Promise<MapWriter> {
  const { diskSize, key, tagKey } = options;
  const tagged = tagKey !== undefined;
  if (key !== undefined) checkKey(key);
  if (tagged) checkKey(tagKey);
  const salt = key === undefined ? new Uint8Array(SALT_BYTES) : randomBytes(SALT_BYTES);
  const seal = key === undefined ? checksumSeal() : encryptingSeal(key, salt);
  const header = encodeHeader({ diskSize, encrypted: key !== undefined, tagged, salt });
  const output = await createOutput(path);
  const written = { records: 0, segments: 0, dataBlocks: 0, lastIndex: -1 };

  async function addRecord(payload: Buffer): Promise<void> {
    const length = encodeLength(payload.length);
    // Position 0 is the header's own seal.
    written.records += 1;
    await output.add(length, seal.seal(written.records, Buffer.concat([header, length]), payload));
  }

  await output.add(header, seal.seal(0, header, Buffer.alloc(0)));
  if (tagged) await addRecord(encodeTagKey(tagKey));
  return {
    append: async (segment) => {
      if (isBlank(segment.present)) return;
      checkSegment(segment, written.lastIndex, diskSize);
      await addRecord(encodeSegment(segment, tagged));
      written.segments += 1;
      written.dataBlocks += countBlocks(segment.present);
      written.lastIndex = segment.index;
    },
    finish: async () => {
      const { segments, dataBlocks } = written;
      await addRecord(encodeEnd({ segments, dataBlocks }));
      return { ...(await output.finish()), dataBlocks };
    },
    abort: output.abort,
  };
}

/**
 * Opens a map and checks its header. The key must be given exactly when the map is encrypted.
 * Throws MAP_DAMAGED for anything that is not a whole, consistent map (also when the key is another one),
 * BAD_REQUEST when an encrypted map is opened without a key, NOT_FOUND and the like.
 * `segments()` checks each record before it yields it, and the end of the file when it is reached.
 */
export async function openMap(path: string, options: { key?: Uint8Array | undefined }): Promise<OpenMap> {
  if (options.key !== undefined) checkKey(options.key);
  const file = await open(path, "r").catch((error: unknown) => {
    throw asHoldfastError(error, `opening the block map ${path}`);
  });
  try {
    return await readMap(file, path, options.key);
  } catch (error) {
    await file.close();
    throw asHoldfastError(error, `reading the block map ${path}`);
  }
}

/** Size and sha256 (hex) of a map file as it is stored, to compare with what its sidecar says. */
export async function digestMapFile(path: string): Promise<{ sha256: string; sizeBytes: number }> {
  const digest = createHash("sha256");
  let sizeBytes = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: FLUSH_BYTES })) {
      digest.update(chunk);
      sizeBytes += chunk.length;
    }
  } catch (error) {
    throw asHoldfastError(error, `reading the block map ${path}`);
  }
  return { sha256: digest.digest("hex"), sizeBytes };
}

type Output = {
  add(...pieces: Buffer[]): Promise<void>;
  finish(): Promise<{ sha256: string; sizeBytes: number }>;
  abort(): Promise<void>;
};

/** A file that is hashed while it is written, in large writes. */
async function createOutput(path: string): Promise<Output> {
  const digest = createHash("sha256");
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let sizeBytes = 0;
  const said = async <T>(step: Promise<T>): Promise<T> => {
    try {
      return await step;
    } catch (error) {
      throw asHoldfastError(error, `writing the block map ${path}`);
    }
  };
  const file: FileHandle = await said(open(path, "wx", 0o600));

  async function flush(): Promise<void> {
    const bytes = Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
    digest.update(bytes);
    await said(file.writeFile(bytes));
    sizeBytes += bytes.length;
  }

  return {
    add: async (...pieces) => {
      for (const piece of pieces) pendingBytes += piece.length;
      pending.push(...pieces);
      if (pendingBytes >= FLUSH_BYTES) await flush();
    },
    finish: async () => {
      await flush();
      await said(file.sync());
      await said(file.close());
      return { sha256: digest.digest("hex"), sizeBytes };
    },
    abort: async () => {
      await file.close().catch(() => undefined);
      await rm(path, { force: true });
    },
  };
}

function checkSegment(segment: Segment, lastIndex: number, diskSize: number): void {
  const fault =
    segment.index <= lastIndex
      ? `segment ${segment.index} was given after segment ${lastIndex}`
      : segmentFault(segment, diskSize);
  if (fault !== null) throw new HoldfastError("INTERNAL", { message: `the block map cannot take this: ${fault}` });
}

function checkKey(key: Uint8Array): void {
  if (key.length === KEY_BYTES) return;
  throw new HoldfastError("INTERNAL", { message: `a block map's key has ${KEY_BYTES} bytes, not ${key.length}` });
}
