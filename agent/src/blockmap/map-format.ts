/**
 * The bytes of a map file, little-endian. Everything here is pure.
 *
 * file    = header seal(header) record* (a segment each, ascending) record (the end)
 * header  = magic[8] flags[4: bit 0 = encrypted] block_size[4] segment_blocks[4] zero[4] disk_size[8] salt[32]
 * record  = length[4: of the payload] seal(payload); the header and the length are the seal's context
 * payload = 1[4] index[4] present[128] digests[32 × blocks present]   or   2[4] segments[4] data_blocks[8]
 */

import { SALT_BYTES } from "./map-seal.ts";
import type { Segment } from "./segment.ts";
import { BITMAP_BYTES, BLOCK_SIZE, DIGEST_BYTES, SEGMENT_BLOCKS } from "./segment.ts";

export const HEADER_BYTES = 64;
export const LENGTH_BYTES = 4;

const MAGIC = Buffer.from("HFMAP\r\n\x01", "latin1");
const ENCRYPTED = 1;
const KIND_SEGMENT = 1;
const KIND_END = 2;
const SEGMENT_HEAD = 8 + BITMAP_BYTES;
const END_BYTES = 16;

export type Header = { diskSize: number; encrypted: boolean; salt: Uint8Array };
export type End = { segments: number; dataBlocks: number };
export type Payload = { kind: "segment"; segment: Segment } | { kind: "end"; end: End };

export function encodeHeader(header: Header): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(header.encrypted ? ENCRYPTED : 0, 8);
  bytes.writeUInt32LE(BLOCK_SIZE, 12);
  bytes.writeUInt32LE(SEGMENT_BLOCKS, 16);
  bytes.writeBigUInt64LE(BigInt(header.diskSize), 24);
  bytes.set(header.salt, HEADER_BYTES - SALT_BYTES);
  return bytes;
}

/** The header, or in words why these bytes are none. Wants exactly HEADER_BYTES; the seal is not looked at. */
export function decodeHeader(bytes: Buffer): Header | string {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return "it does not begin like a block map";
  const flags = bytes.readUInt32LE(8);
  const diskSize = bytes.readBigUInt64LE(24);
  if (flags > ENCRYPTED) return `unknown flags ${flags}`;
  if (bytes.readUInt32LE(12) !== BLOCK_SIZE || bytes.readUInt32LE(16) !== SEGMENT_BLOCKS) {
    return "it has another block or segment size";
  }
  if (diskSize > BigInt(Number.MAX_SAFE_INTEGER)) return `a disk of ${diskSize} bytes is too large`;
  return {
    diskSize: Number(diskSize),
    encrypted: flags === ENCRYPTED,
    salt: Uint8Array.from(bytes.subarray(HEADER_BYTES - SALT_BYTES)),
  };
}

export function encodeLength(payloadBytes: number): Buffer {
  const bytes = Buffer.alloc(LENGTH_BYTES);
  bytes.writeUInt32LE(payloadBytes);
  return bytes;
}

/** The payload's length, or null when no record is that long; so a damaged length never makes us read megabytes. */
export function decodeLength(bytes: Buffer): number | null {
  const length = bytes.readUInt32LE();
  if (length === END_BYTES) return length;
  const digests = length - SEGMENT_HEAD;
  const fits = digests > 0 && digests % DIGEST_BYTES === 0 && digests <= SEGMENT_BLOCKS * DIGEST_BYTES;
  return fits ? length : null;
}

export function encodeSegment(segment: Segment): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(KIND_SEGMENT);
  head.writeUInt32LE(segment.index, 4);
  return Buffer.concat([head, segment.present, segment.digests]);
}

export function encodeEnd(end: End): Buffer {
  const bytes = Buffer.alloc(END_BYTES);
  bytes.writeUInt32LE(KIND_END);
  bytes.writeUInt32LE(end.segments, 4);
  bytes.writeBigUInt64LE(BigInt(end.dataBlocks), 8);
  return bytes;
}

/** What an opened record says, null when its kind does not fit its length. The segment shares the given memory. */
export function decodePayload(payload: Buffer): Payload | null {
  const kind = payload.readUInt32LE();
  const number = payload.readUInt32LE(4);
  if (kind === KIND_END && payload.length === END_BYTES) {
    return { kind: "end", end: { segments: number, dataBlocks: Number(payload.readBigUInt64LE(8)) } };
  }
  if (kind !== KIND_SEGMENT || payload.length <= SEGMENT_HEAD) return null;
  const present = payload.subarray(8, SEGMENT_HEAD);
  return { kind: "segment", segment: { index: number, present, digests: payload.subarray(SEGMENT_HEAD) } };
}
