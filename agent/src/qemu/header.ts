import { HoldfastError } from "../errors.ts";

/** What a qcow2 header says, read by us before QEMU opens the file. Offsets and sizes in bytes. */
export type Qcow2Header = {
  version: number;
  virtualSize: number;
  clusterBits: number;
  l1Offset: number;
  l1Entries: number;
  refcountTableOffset: number;
  refcountTableClusters: number;
  backingFile: string | null;
  backingFormat: string | null;
  compression: "zlib" | "zstd";
  encrypted: boolean;
  externalDataFile: boolean;
  extendedL2: boolean;
  corrupt: boolean;
  snapshots: number;
};

/** So many bytes of the file hold all that `parseQcow2Header` looks at. */
export const QCOW2_HEADER_BYTES = 65_536;
/** No guest disk is larger; a 1 PiB image is a 17 MB file made to exhaust its reader. */
const MAX_VIRTUAL_SIZE = 256 * 2 ** 40;
/** QEMU's own limit: a table of 32 MiB. */
const MAX_L1_ENTRIES = 4 * 2 ** 20;
const MAGIC = 0x514649fb;
const EXTENSION_END = 0;
const EXTENSION_BACKING_FORMAT = 0xe2792aca;
const EXTENSION_DATA_FILE = 0x44415441;
const INCOMPATIBLE = { corrupt: 1n << 1n, dataFile: 1n << 2n, compression: 1n << 3n, extendedL2: 1n << 4n };
const INCOMPATIBLE_KNOWN = 0b11111n;

function damaged(message: string): never {
  throw new HoldfastError("SOURCE_UNSAFE", { message: `not a usable qcow2 image: ${message}` });
}

function readSize(header: Buffer, offset: number, name: string): number {
  const value = header.readBigUInt64BE(offset);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) damaged(`${name} is absurd (${value})`);
  return Number(value);
}

type Extensions = { backingFormat: string | null; dataFile: boolean };

function readExtensions(header: Buffer, start: number, limit: number): Extensions {
  const found: Extensions = { backingFormat: null, dataFile: false };
  for (let at = start; at + 8 <= limit; ) {
    const type = header.readUInt32BE(at);
    const length = header.readUInt32BE(at + 4);
    if (type === EXTENSION_END) break;
    if (length > limit - at - 8) damaged("a header extension runs past the header");
    if (type === EXTENSION_BACKING_FORMAT) found.backingFormat = header.toString("latin1", at + 8, at + 8 + length);
    if (type === EXTENSION_DATA_FILE) found.dataFile = true;
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return found;
}

function readBackingName(header: Buffer): string | null {
  const offset = readSize(header, 8, "the backing file's offset");
  const length = header.readUInt32BE(16);
  if (offset === 0) return null;
  if (length === 0 || length > 1023 || offset + length > header.length)
    damaged("the backing file's name is out of bounds");
  return header.toString("utf8", offset, offset + length);
}

/**
 * Parses the first bytes of a file as a qcow2 header (QEMU docs/interop/qcow2.txt), trusting nothing in it.
 * Throws SOURCE_UNSAFE when it is not one, is of an unknown kind, or claims absurd sizes.
 */
export function parseQcow2Header(bytes: Uint8Array): Qcow2Header {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (header.length < 72 || header.readUInt32BE(0) !== MAGIC) damaged("it does not begin with a qcow2 header");
  const version = header.readUInt32BE(4);
  if (version !== 2 && version !== 3) damaged(`version ${version}`);
  const clusterBits = header.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) damaged(`clusters of 2^${clusterBits} bytes`);
  const virtualSize = readSize(header, 24, "the virtual size");
  if (virtualSize > MAX_VIRTUAL_SIZE) damaged(`it claims a disk of ${virtualSize} bytes`);
  const l1Entries = header.readUInt32BE(36);

  if (version === 3 && header.length < 104) damaged("the header is cut off");
  const features = version === 3 ? header.readBigUInt64BE(72) : 0n;
  if ((features & ~INCOMPATIBLE_KNOWN) !== 0n) damaged(`unknown incompatible features 0x${features.toString(16)}`);
  const extendedL2 = (features & INCOMPATIBLE.extendedL2) !== 0n;
  const bytesPerL1Entry = 2 ** (2 * clusterBits - (extendedL2 ? 4 : 3));
  if (l1Entries < Math.ceil(virtualSize / bytesPerL1Entry) || l1Entries > MAX_L1_ENTRIES) {
    damaged(`an L1 table of ${l1Entries} entries`);
  }
  const headerLength = version === 3 ? header.readUInt32BE(100) : 72;
  if (headerLength < (version === 3 ? 104 : 72) || headerLength > header.length)
    damaged(`a header of ${headerLength} bytes`);
  const limit = Math.min(header.length, 2 ** clusterBits);
  const extensions = readExtensions(header, headerLength, limit);
  const typed = (features & INCOMPATIBLE.compression) !== 0n && headerLength > 104;
  return {
    version,
    virtualSize,
    clusterBits,
    l1Offset: readSize(header, 40, "the L1 table's offset"),
    l1Entries,
    refcountTableOffset: readSize(header, 48, "the refcount table's offset"),
    refcountTableClusters: header.readUInt32BE(56),
    backingFile: readBackingName(header),
    backingFormat: extensions.backingFormat,
    compression: typed && header[104] === 1 ? "zstd" : "zlib",
    encrypted: header.readUInt32BE(32) !== 0,
    externalDataFile: extensions.dataFile || (features & INCOMPATIBLE.dataFile) !== 0n,
    extendedL2,
    corrupt: (features & INCOMPATIBLE.corrupt) !== 0n,
    snapshots: header.readUInt32BE(60),
  };
}
