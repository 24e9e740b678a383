import type { FileHandle } from "node:fs/promises";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import {
  decodeHeader,
  decodeLength,
  decodePayload,
  type End,
  HEADER_BYTES,
  type Header,
  LENGTH_BYTES,
  TAG_KEY_RECORD_BYTES,
} from "./map-format.ts";
import { checksumSeal, encryptingSeal, type Seal } from "./map-seal.ts";
import { countBlocks, type Segment, segmentFault } from "./segment.ts";

const READ_BYTES = 256 * 1024;

export type MapHeader = {
  /** In bytes. */
  diskSize: number;
  encrypted: boolean;
};

export type OpenMap = {
  header: MapHeader;
  /** Under which the tags of its segments were made; null for a map without tags. */
  tagKey: Uint8Array | null;
  /** Each call reads from the beginning. The segments are the caller's to keep. */
  segments(): AsyncGenerator<Segment>;
  close(): Promise<void>;
};

/** The part of `openMap` that follows the opening; the caller closes the file when this throws. */
export async function readMap(file: FileHandle, path: string, key: Uint8Array | undefined): Promise<OpenMap> {
  const stream = createByteStream(file, 0);
  const { bytes: headerBytes } = await stream.take(HEADER_BYTES);
  if (headerBytes.length < HEADER_BYTES) throw damaged(path, 0, `it ends after ${headerBytes.length} bytes`);
  const header = decodeHeader(headerBytes);
  if (typeof header === "string") throw damaged(path, 0, header);
  const seal = sealFor(header, key, path);
  const tag = await stream.take(seal.overhead);
  if (tag.bytes.length < seal.overhead || seal.open(0, headerBytes, tag.bytes) === null) {
    throw damaged(
      path,
      0,
      header.encrypted ? "its header does not fit the key" : "its header does not fit its checksum",
    );
  }
  const { diskSize, encrypted } = header;
  const source = { file, path, seal, headerBytes, header };
  return {
    header: { diskSize, encrypted },
    tagKey: header.tagged ? await readTagKey(source, stream) : null,
    segments: () => readSegments(source),
    close: () => file.close(),
  };
}

/** The first record of a tagged map. */
async function readTagKey(source: Source, stream: ByteStream): Promise<Uint8Array> {
  const { offset, content } = await nextRecord(source, stream, 1);
  if (content?.kind === "tag-key") return Uint8Array.from(content.tagKey);
  throw damaged(source.path, offset, "record 1: it should be the key of the tags and is not");
}

function sealFor(header: Header, key: Uint8Array | undefined, path: string): Seal {
  if (key !== undefined && header.encrypted) return encryptingSeal(key, header.salt);
  // A plain map in place of an encrypted one could have been put there by anyone.
  if (key !== undefined) throw damaged(path, 0, "it should be encrypted and is not");
  if (!header.encrypted) return checksumSeal();
  throw new HoldfastError("BAD_REQUEST", {
    message: `the block map ${path} is encrypted and no key was given`,
    remedy: "Give the key of the repository that the backup belongs to.",
  });
}

type Source = { file: FileHandle; path: string; seal: Seal; headerBytes: Buffer; header: Header };

async function* readSegments(source: Source): AsyncGenerator<Segment> {
  const { path, seal, header } = source;
  // The key of the tags was read when the map was opened.
  const before = header.tagged ? LENGTH_BYTES + TAG_KEY_RECORD_BYTES + seal.overhead : 0;
  const stream = createByteStream(source.file, HEADER_BYTES + seal.overhead + before);
  const read = { segments: 0, dataBlocks: 0, lastIndex: -1 };
  for (let position = header.tagged ? 2 : 1; ; position++) {
    const { offset, content } = await nextRecord(source, stream, position).catch((error: unknown) => {
      throw asHoldfastError(error, `reading the block map ${path}`);
    });
    const wrong = (reason: string) => damaged(path, offset, `record ${position}: ${reason}`);
    if (content === null || content.kind === "tag-key") throw wrong("it is of no known kind");
    if (content.kind === "end") {
      const trailing = (await stream.take(1)).bytes.length > 0;
      if (!endFits(content.end, read)) throw wrong("it counts other segments or blocks than there are");
      if (trailing) throw wrong("something follows the end of the map");
      return;
    }
    const { segment } = content;
    const fault = segmentFault(segment, header.diskSize);
    if (fault !== null) throw wrong(fault);
    if (segment.index <= read.lastIndex) throw wrong(`segment ${segment.index} follows segment ${read.lastIndex}`);
    read.segments += 1;
    read.dataBlocks += countBlocks(segment.present);
    read.lastIndex = segment.index;
    yield segment;
  }
}

async function nextRecord(source: Source, stream: ByteStream, position: number) {
  const { bytes: lengthBytes, offset } = await stream.take(LENGTH_BYTES);
  const wrong = (reason: string) => damaged(source.path, offset, `record ${position}: ${reason}`);
  if (lengthBytes.length < LENGTH_BYTES) throw wrong("the map ends here, without its end record");
  const length = decodeLength(lengthBytes, source.header.tagged);
  if (length === null) throw wrong(`a length of ${lengthBytes.readUInt32LE()} bytes is impossible`);
  const sealed = await stream.take(length + source.seal.overhead);
  if (sealed.bytes.length < length + source.seal.overhead) throw wrong("it is cut off");
  const payload = source.seal.open(position, Buffer.concat([source.headerBytes, lengthBytes]), sealed.bytes);
  if (payload === null) throw wrong("its content was changed or it is out of place");
  return { offset, content: decodePayload(payload, source.header.tagged) };
}

function endFits(end: End, read: { segments: number; dataBlocks: number }): boolean {
  return end.segments === read.segments && end.dataBlocks === read.dataBlocks;
}

type ByteStream = {
  /** The next `length` bytes and where they stand, fewer only at the end of the file. */
  take(length: number): Promise<{ bytes: Buffer; offset: number }>;
};

/** Reads forwards from `start` in large reads; positional, so that several can share one handle. */
function createByteStream(file: FileHandle, start: number): ByteStream {
  let buffered = Buffer.alloc(0);
  let position = start;

  async function fill(length: number): Promise<void> {
    const pieces = [buffered];
    let have = buffered.length;
    while (have < length) {
      const chunk = Buffer.allocUnsafeSlow(Math.max(READ_BYTES, length - have));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, position + have);
      if (bytesRead === 0) break;
      pieces.push(chunk.subarray(0, bytesRead));
      have += bytesRead;
    }
    buffered = Buffer.concat(pieces);
  }

  return {
    take: async (length) => {
      if (buffered.length < length) await fill(length);
      const bytes = buffered.subarray(0, length);
      const offset = position;
      buffered = buffered.subarray(bytes.length);
      position += bytes.length;
      return { bytes, offset };
    },
  };
}

function damaged(path: string, offset: number, reason: string): HoldfastError {
  return new HoldfastError("MAP_DAMAGED", {
    message: `the block map ${path} is damaged: ${reason}`,
    remedy: "Take a full backup; it starts a new chain with a new map. The backup's own data may still be whole.",
    details: `at byte ${offset} of the map`,
  });
}
