/** Reading a disk straight from the files it lies in, past the page cache. */
import { closeSync, constants, openSync, read } from "node:fs";
import { asHoldfastError, HoldfastError } from "../errors.ts";
import type { BlockSource } from "./block-source.ts";
import type { MappedReader } from "./messages.ts";
import { BLOCK_SIZE } from "./segment.ts";

/** What this file needs of it; the compiler's own description comes with all of the browser's. */
declare const WebAssembly: { Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer } };

const RUN_BLOCKS = 8;
const DEPTH = 3;
const NUMBERS = 4;
/** Direct reads are in units of the device's blocks. */
const ALIGNMENT = 4096;

/** A stretch of the disk in one file. */
type Place = { file: number; offset: number; length: number };

/** The place of a disk offset; `file` is -1 where no file holds it and it reads as zeros. */
function placeOf(runs: Float64Array, offset: number): Place {
  let low = 0;
  let high = runs.length / NUMBERS;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((runs[middle * NUMBERS] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  const [guest = 0, length = 0, file = 0, at = 0] = runs.subarray((low - 1) * NUMBERS, low * NUMBERS);
  const into = offset - guest;
  if (low > 0 && into < length) return { file, offset: at + into, length: length - into };
  return { file: -1, offset: 0, length: (runs[low * NUMBERS] ?? Number.POSITIVE_INFINITY) - offset };
}

function readPiece(descriptor: number, place: Place, buffer: Uint8Array, length: number): Promise<void> {
  // The memory goes on behind the piece, and so does the file: whole device blocks are read, the rest is not looked at.
  const whole = Math.ceil(length / ALIGNMENT) * ALIGNMENT;
  const target = new Uint8Array(buffer.buffer, buffer.byteOffset, whole);
  return new Promise((resolve, reject) => {
    read(descriptor, target, 0, whole, place.offset, (cause, count) => {
      if (cause === null && count >= length) resolve();
      else {
        const how = cause === null ? `it ends at byte ${place.offset + count}` : cause.message;
        const message = `reading at byte ${place.offset} of its file failed: ${how}`;
        reject(new HoldfastError("IO_ERROR", { message, cause }));
      }
    });
  });
}

/** Opens the files of a `mapped` reader. Throws NOT_FOUND, NO_PERMISSION, or INTERNAL where direct reads are impossible. */
export function openMapped({ files, runs }: MappedReader): BlockSource {
  const descriptors: number[] = [];
  try {
    for (const path of files) descriptors.push(openSync(path, constants.O_RDONLY | (constants.O_DIRECT ?? 0)));
  } catch (error) {
    for (const descriptor of descriptors) closeSync(descriptor);
    throw asHoldfastError(error, `opening ${files[descriptors.length]}`);
  }
  return {
    depth: DEPTH,
    runBlocks: RUN_BLOCKS,
    // Direct reads need memory that begins with a page, as that of a WebAssembly memory does.
    allocate: (bytes) => Buffer.from(new WebAssembly.Memory({ initial: Math.ceil(bytes / BLOCK_SIZE) }).buffer),
    read: async (offset, buffer) => {
      for (let done = 0; done < buffer.length; ) {
        const place = placeOf(runs, offset + done);
        const length = Math.min(buffer.length - done, place.length);
        const piece = buffer.subarray(done, done + length);
        if (place.file < 0) piece.fill(0);
        else await readPiece(descriptors[place.file] ?? -1, place, piece, length);
        done += length;
      }
    },
    close: async () => {
      for (const descriptor of descriptors) closeSync(descriptor);
    },
  };
}
