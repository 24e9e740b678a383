/** Image files as far as their structures are known: magics at both ends, a CRC-32 somewhere. */
import { crc32 } from "node:zlib";
import { TAIL_BYTES } from "./structure.ts";

export type ImageWish = { size?: number; version?: number; sumAt?: number; damage?: "head" | "tail" | "sum" };

/** Its sums cover the structure with their own field zeroed. */
export function imageBytes({ size = 20_000, version = 2, sumAt = 16, damage }: ImageWish = {}): Buffer {
  const bytes = Buffer.alloc(size, 0x5a);
  const parts = [
    { at: 0, magic: "BIFH", length: 512 },
    { at: size - TAIL_BYTES, magic: "BIFT", length: TAIL_BYTES },
  ];
  for (const { at, magic, length } of parts) {
    const structure = bytes.subarray(at, at + length);
    structure.write(magic, "latin1");
    structure.writeUInt32LE(version, 4);
    structure.writeUInt32LE(size, 8);
    structure.writeUInt32LE(0, sumAt);
    structure.writeUInt32LE(crc32(structure), sumAt);
  }
  if (damage === "head") bytes.write("XXXX");
  if (damage === "sum") bytes.writeUInt8((bytes.at(size - 100) ?? 0) ^ 1, size - 100);
  return damage === "tail" ? bytes.subarray(0, size - 500) : bytes;
}
