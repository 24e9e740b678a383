/**
 * The structures at both ends of an image. That each holds a CRC-32 is known, where is not: every place that it can
 * have is tried. One that fits by chance is met once in some millions of images.
 */
import { crc32 } from "node:zlib";

export const HEAD_MAGIC = "BIFH";
export const TAIL_MAGIC = "BIFT";
/** The tail's distance from the end of the file, which is its length. */
export const TAIL_BYTES = 0x674;
export const HEAD_BYTES = 4096;
const HEAD_LENGTHS = [TAIL_BYTES, 512, 1024, 2048, HEAD_BYTES];

/** What of the structure the sum is of. */
const COVERS: readonly [string, (bytes: Buffer, at: number) => number][] = [
  ["zeroed", (bytes, at) => crc32(bytes.subarray(at + 4), crc32(ZERO, crc32(bytes.subarray(0, at))))],
  ["before", (bytes, at) => crc32(bytes.subarray(0, at))],
  ["after", (bytes, at) => crc32(bytes.subarray(at + 4))],
  ["around", (bytes, at) => crc32(bytes.subarray(at + 4), crc32(bytes.subarray(0, at)))],
];
const ZERO = Buffer.alloc(4);

/** Every place of a CRC-32 that fits, as `<length>:<offset>:<what it covers>`. */
export function sumLayouts(bytes: Buffer, part: "head" | "tail"): string[] {
  const lengths = part === "tail" ? [TAIL_BYTES] : HEAD_LENGTHS;
  return lengths.filter((length) => length <= bytes.length).flatMap((length) => layoutsOf(bytes.subarray(0, length)));
}

function layoutsOf(bytes: Buffer): string[] {
  const found: string[] = [];
  for (let at = 4; at + 4 <= bytes.length; at += 4) {
    const sum = bytes.readUInt32LE(at);
    if (sum === 0) continue;
    for (const [name, cover] of COVERS) if (cover(bytes, at) === sum) found.push(`${bytes.length}:${at}:${name}`);
  }
  return found;
}
