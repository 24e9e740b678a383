/** Looks at both ends of an image file; reads nothing between. */
import { open } from "node:fs/promises";
import { HEAD_BYTES, HEAD_MAGIC, sumLayouts, TAIL_BYTES, TAIL_MAGIC } from "./structure.ts";

export type ImagePart = {
  magic: boolean;
  /** The four bytes after the magic: structures of one version of the format have the same. */
  shape: string;
  /** Where a CRC-32 stands that fits. */
  layouts: string[];
};
export type ImageEnds = { head: ImagePart; tail: ImagePart };

/** Throws the system error of a file that cannot be read. */
export async function inspectImage(path: string, size: number): Promise<ImageEnds> {
  await using file = await open(path, "r");
  const read = async (at: number, length: number): Promise<Buffer> => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
    return buffer.subarray(0, bytesRead);
  };
  const head = await read(0, HEAD_BYTES);
  const tail = size >= TAIL_BYTES ? await read(size - TAIL_BYTES, TAIL_BYTES) : Buffer.alloc(0);
  return { head: part(head, "head", HEAD_MAGIC), tail: part(tail, "tail", TAIL_MAGIC) };
}

function part(bytes: Buffer, which: "head" | "tail", expected: string): ImagePart {
  const magic = bytes.subarray(0, 4).toString("latin1") === expected;
  const layouts = magic ? sumLayouts(bytes, which).slice(0, 8) : [];
  return { magic, shape: magic ? bytes.subarray(4, 8).toString("hex") : "", layouts };
}
