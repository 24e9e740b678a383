/**
 * The bytes of a map file, little-endian. Everything here is pure.
 *
 * file    = header seal(header) record* (a segment each, ascending) record (the end)
 * header  = magic[8] flags[4: bit 0 = encrypted, 1 = tagged] block_size[4] segment_blocks[4] zero[4] disk_size[8] salt[32]
 * record  = length[4: of the payload] seal(payload); the header and the length are the seal's context
 * payload = 1[4] index[4] present[128] digests[32 × blocks present] tags[16 × blocks present: only when tagged]
 *         | 2[4] segments[4] data_blocks[8]
 *         | 3[4] zero[4] tag_key[32]: only when tagged, and then the first record
 *
 * A tag of zeros is none. Maps without tags, as they were written at first, stay readable.
 */

import { SALT_BYTES } from "./map-seal.ts";
import type { Segment } from "./segment.ts";
import { BITMAP_BYTES, BLOCK_SIZE, countBlocks, DIGEST_BYTES, SEGMENT_BLOCKS, TAG_BYTES } from "./segment.ts";
import { TAG_KEY_BYTES } from "./tags.ts";

export const HEADER_BYTES = 64;
export const LENGTH_BYTES = 4;
export const TAG_KEY_RECORD_BYTES = 8 + TAG_KEY_BYTES;

const MAGIC = Buffer.from("HFMAP\r\n\x01", "latin1");
const ENCRYPTED = 1;
const TAGGED = 2;
const KIND_SEGMENT = 1;
const KIND_END = 2;
const KIND_TAG_KEY = 3;
const SEGMENT_HEAD = 8 + BITMAP_BYTES;
const END_BYTES = 16;

export type Header = { diskSize: number; encrypted: boolean; tagged: boolean; salt: Uint8Array };
export type End = { segments: number; dataBlocks: number };
export type Payload =
  | { kind: "segment"; segment: Segment }
  | { kind: "end"; end: End }
  | { kind: "tag-key"; tagKey: Uint8Array };

export function encodeHeader(header: Header): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE((header.encrypted ? ENCRYPTED : 0) | (header.tagged ? TAGGED : 0), 8);
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
  if (flags > (ENCRYPTED | TAGGED)) return `unknown flags ${flags}`;
  if (bytes.readUInt32LE(12) !== BLOCK_SIZE || bytes.readUInt32LE(16) !== SEGMENT_BLOCKS) {
    return "it has another block or segment size";
  }
  if (diskSize > BigInt(Number.MAX_SAFE_INTEGER)) return `a disk of ${diskSize} bytes is too large`;
  return {
    diskSize: Number(diskSize),
    encrypted: (flags & ENCRYPTED) !== 0,
    tagged: (flags & TAGGED) !== 0,
    salt: Uint8Array.from(bytes.subarray(HEADER_BYTES - SALT_BYTES)),
  };
}

export function encodeLength(payloadBytes: number): Buffer {
  const bytes = Buffer.alloc(LENGTH_BYTES);
  bytes.writeUInt32LE(payloadBytes);
  return bytes;
}

/** The payload's length, or null when no record is that long; so a damaged length never makes us read megabytes. */
export function decodeLength(bytes: Buffer, tagged: boolean): number | null {
  const length = bytes.readUInt32LE();
  if (length === END_BYTES || (tagged && length === TAG_KEY_RECORD_BYTES)) return length;
  const perBlock = DIGEST_BYTES + (tagged ? TAG_BYTES : 0);
  const rest = length - SEGMENT_HEAD;
  const fits = rest > 0 && rest % perBlock === 0 && rest <= SEGMENT_BLOCKS * perBlock;
  return fits ? length : null;
}

/** In a tagged map a segment that has no tags gets a "none" for each block. */
export function encodeSegment({ index, present, digests, tags }: Segment, tagged: boolean): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(KIND_SEGMENT);
  head.writeUInt32LE(index, 4);
  const last = tagged ? [tags ?? Buffer.alloc(countBlocks(present) * TAG_BYTES)] : [];
  return Buffer.concat([head, present, digests, ...last]);
}

export function encodeTagKey(tagKey: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(KIND_TAG_KEY);
  return Buffer.concat([head, tagKey]);
}

export function encodeEnd(end: End): Buffer {
  const bytes = Buffer.alloc(END_BYTES);
  bytes.writeUInt32LE(KIND_END);
  bytes.writeUInt32LE(end.segments, 4);
  bytes.writeBigUInt64LE(BigInt(end.dataBlocks), 8);
  return bytes;
}

/** What an opened record says, null when its kind does not fit its length. Segment and key share the given memory. */
export function decodePayload(payload: Buffer, tagged: boolean): Payload | null {
  const kind = payload.readUInt32LE();
  const number = payload.readUInt32LE(4);
  if (kind === KIND_END && payload.length === END_BYTES) {
    return { kind: "end", end: { segments: number, dataBlocks: Number(payload.readBigUInt64LE(8)) } };
  }
  if (kind === KIND_TAG_KEY && payload.length === TAG_KEY_RECORD_BYTES) {
    return { kind: "tag-key", tagKey: payload.subarray(8) };
  }
  if (kind !== KIND_SEGMENT || payload.length <= SEGMENT_HEAD) return null;
  const present = payload.subarray(8, SEGMENT_HEAD);
  const rest = payload.subarray(SEGMENT_HEAD);
  if (!tagged) return { kind: "segment", segment: { index: number, present, digests: rest } };
  const end = (rest.length / (DIGEST_BYTES + TAG_BYTES)) * DIGEST_BYTES;
  return {
    kind: "segment",
    segment: { index: number, present, digests: rest.subarray(0, end), tags: rest.subarray(end) },
  };
}
