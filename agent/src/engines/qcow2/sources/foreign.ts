import { type FileHandle, open } from "node:fs/promises";
import { dirname, isAbsolute, resolve } from "node:path";
import { HoldfastError } from "../../../errors.ts";
import { parseQcow2Header, QCOW2_HEADER_BYTES, type Qcow2Header } from "../../../qemu/header.ts";
import { checkLength } from "./image-end.ts";
import { resolveInsideRoots } from "./roots.ts";

/** A qcow2 image and what it is backed by, top first; the last may be raw. */
export type ImageLayer = { path: string; format: "qcow2" | "raw" };

const MAX_DEPTH = 64;

function unsafe(path: string, why: string, remedy: string): HoldfastError {
  return new HoldfastError("SOURCE_UNSAFE", { message: `${path} ${why}`, remedy });
}

async function readHead(file: FileHandle, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, 0);
  return buffer.subarray(0, bytesRead);
}

async function readHeader(path: string): Promise<Qcow2Header> {
  await using file = await open(path, "r");
  const head = await readHead(file, QCOW2_HEADER_BYTES);
  checkMagic(path, "qcow2", head.toString("latin1", 0, 4) === "QFI\xfb");
  const header = parse(path, head);
  checkLength(path, header.l1Offset + header.l1Entries * 8, (await file.stat()).size);
  return header;
}

function parse(path: string, head: Buffer): Qcow2Header {
  try {
    return parseQcow2Header(head);
  } catch (error) {
    const why = error instanceof HoldfastError ? error.message : String(error);
    throw new HoldfastError("SOURCE_UNSAFE", {
      message: `${path} is refused: ${why}`,
      remedy: "If it is your own, convert it (qemu-img convert -O qcow2) and back up the result.",
      cause: error,
    });
  }
}

/**
 * Reads the headers of a qcow2 image and of its backing files, before QEMU opens any of them. Every one must lie inside
 * the roots and name its backing file's format. Throws SOURCE_UNSAFE or SOURCE_NOT_ALLOWED.
 */
export async function qcow2Layers(path: string, roots: readonly string[]): Promise<ImageLayer[]> {
  const layers: ImageLayer[] = [];
  let next: string | null = path;
  while (next !== null) {
    const here: string = next;
    if (layers.length >= MAX_DEPTH || layers.some((layer) => layer.path === here)) {
      throw unsafe(path, "has a chain of backing files without end", "Flatten it (qemu-img convert) first.");
    }
    const header = await readHeader(here);
    if (header.externalDataFile) {
      throw unsafe(here, "keeps its data in an external file", "Convert it to a plain qcow2 image first.");
    }
    if (header.encrypted) {
      throw unsafe(
        here,
        "is encrypted by its owner",
        "Back it up as a raw file (its bytes as they are), or through QMP.",
      );
    }
    if (header.corrupt) throw unsafe(here, "is marked corrupt by QEMU", "Repair it (qemu-img check -r) first.");
    layers.push({ path: here, format: "qcow2" });
    next = await backingOf(here, header, roots, layers);
  }
  return layers;
}

async function backingOf(
  path: string,
  header: Qcow2Header,
  roots: readonly string[],
  layers: ImageLayer[],
): Promise<string | null> {
  const name = header.backingFile;
  if (name === null) return null;
  if (/^[a-z][a-z0-9+.-]*:/i.test(name)) {
    throw unsafe(path, `names a backing file by protocol (${name})`, "Flatten it (qemu-img convert) first.");
  }
  const format = header.backingFormat;
  if (format !== "qcow2" && format !== "raw") {
    const remedy = "Set it with `qemu-img rebase -u -F <format> -b <file>`, so that nothing has to be guessed.";
    throw unsafe(path, `does not say the format of its backing file ${name}`, remedy);
  }
  const backing = await resolveInsideRoots(isAbsolute(name) ? name : resolve(dirname(path), name), roots);
  if (format === "qcow2") return backing;
  layers.push({ path: backing, format: "raw" });
  return null;
}

const HEAD_BYTES = 512 + 20 * 512;

/** VMDK: one self-contained sparse file; a descriptor could name any file of the host as an extent or a parent. */
function checkVmdk(path: string, head: Buffer): void {
  const single = head.length >= 512 && head.toString("latin1", 0, 4) === "KDMV" && head.readBigUInt64LE(12) > 0n;
  const text = head.toString("latin1", 512);
  const kind = /createType="([^"]*)"/.exec(text)?.[1];
  const remedy = "Convert it to one self-contained file (qemu-img convert -O qcow2) first.";
  if (!single || !(kind === "monolithicSparse" || kind === "streamOptimized")) {
    throw unsafe(path, "is not a self-contained VMDK (monolithicSparse or streamOptimized)", remedy);
  }
  if (!/parentCID=ffffffff/i.test(text)) throw unsafe(path, "is a VMDK that depends on a parent", remedy);
}

/** Bytes that a VMDK's header and tables take; where those stand at the end (streamOptimized), QEMU misses them itself. */
const vmdkTables = (head: Buffer): number => (head.length < 72 ? 512 : Number(head.readBigUInt64LE(64)) * 512);

/** Bytes that a VDI with its allocated blocks takes. */
const vdiLength = (head: Buffer): number => head.readUInt32LE(344) + head.readUInt32LE(376) * head.readUInt32LE(388);

function checkMagic(path: string, format: string, found: boolean): void {
  if (found) return;
  throw new HoldfastError("SOURCE_NOT_A_DISK", {
    message: `${path} is not a ${format} image`,
    remedy: "Set the source's `format` to what the file is.",
  });
}

/** Looks at an image file's own head before QEMU does. Throws SOURCE_NOT_A_DISK or SOURCE_UNSAFE. */
export async function checkForeignImage(path: string, format: "vmdk" | "vhdx" | "vdi"): Promise<void> {
  await using file = await open(path, "r");
  const head = await readHead(file, HEAD_BYTES);
  const { size } = await file.stat();
  if (format === "vhdx") checkMagic(path, format, head.toString("latin1", 0, 8) === "vhdxfile");
  if (format === "vdi") {
    checkMagic(path, format, head.length >= 512 && head.readUInt32LE(64) === 0xbeda107f);
    checkLength(path, vdiLength(head), size);
  }
  if (format === "vmdk") {
    checkMagic(path, format, ["KDMV", "# Di"].includes(head.toString("latin1", 0, 4)));
    checkVmdk(path, head);
    checkLength(path, vmdkTables(head), size);
  }
}
