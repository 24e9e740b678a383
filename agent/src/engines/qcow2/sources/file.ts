import { access, constants, stat } from "node:fs/promises";
import type { SourceSpec } from "@holdfast/protocol";
import { asHoldfastError, HoldfastError } from "../../../errors.ts";
import type { BlockNode } from "../../../qemu/daemon.ts";
import { fileNode } from "../../../qemu/graph.ts";
import { type ImageInfo, imageInfo } from "../../../qemu/image.ts";
import {
  type DiskRequest,
  type Freeze,
  type FreezeContext,
  type FrozenPoint,
  type OpenSource,
  SOURCE_NODE,
} from "../source.ts";
import { checkForeignImage, type ImageLayer, qcow2Layers } from "./foreign.ts";
import { type ImageTracking, trackByImage } from "./image-bitmap.ts";
import { checkReach } from "./image-end.ts";
import { resolveInsideRoots } from "./roots.ts";
import { watchStillness } from "./stillness.ts";

type FileSpec = Extract<SourceSpec, { kind: "file" }>;

/** Images are opened without QEMU's locks, so that a VM that is started meanwhile starts; stillness is checked instead. */
const LOOK_ONLY = { readOnly: true, locking: false };

async function checkFile(path: string, format: FileSpec["format"]): Promise<void> {
  const found = await stat(path);
  const { size } = found;
  if (!found.isFile()) {
    const remedy = "Name an image file, or use source kind 'block' for a device.";
    throw new HoldfastError("SOURCE_NOT_A_DISK", { message: `${path} is not a file`, remedy });
  }
  await access(path, constants.R_OK).catch((error: unknown) => {
    throw asHoldfastError(error, `reading ${path}`);
  });
  if (size === 0) {
    throw new HoldfastError("SOURCE_EMPTY", {
      message: `${path} is empty (0 bytes)`,
      remedy: "Was the disk created, or its volume mounted?",
    });
  }
  if (format === "raw" && size % 512 !== 0) {
    const remedy = "A raw disk is a multiple of 512 bytes. Is the format right, or was the file cut off?";
    throw new HoldfastError("SOURCE_NOT_A_DISK", {
      message: `${path} is not a raw disk: it has ${size} bytes`,
      remedy,
    });
  }
}

/** Sees whether QEMU takes the image for what it should be, and whether a VM has it open. */
async function tryOpening(path: string, format: string, signal: AbortSignal | undefined): Promise<ImageInfo> {
  try {
    return await imageInfo(path, format, signal);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "TOOL_FAILED") throw error;
    throw new HoldfastError("SOURCE_NOT_A_DISK", {
      message: `${path} is not a whole ${format} image`,
      remedy: "Check the source's `format`, and the image itself (qemu-img check).",
      details: error.details ?? error.message,
      cause: error,
    });
  }
}

function layersNode(layers: readonly ImageLayer[]): BlockNode {
  const toNode = (backing: BlockNode | null, { path, format }: ImageLayer): BlockNode => ({
    driver: format,
    "read-only": true,
    file: fileNode(path, LOOK_ONLY),
    ...(format === "qcow2" && { backing }),
  });
  const top = layers.toReversed().reduce<BlockNode | null>(toNode, null);
  return { ...top, driver: top?.driver ?? "raw", "node-name": SOURCE_NODE };
}

function foreignNode(path: string, format: "vmdk" | "vhdx" | "vdi"): BlockNode {
  const node = { driver: format, "node-name": SOURCE_NODE, "read-only": true, file: fileNode(path, LOOK_ONLY) };
  return format === "vmdk" ? { ...node, backing: null } : node;
}

/** The other formats tell by themselves that something is missing. */
async function checkReaches(layers: readonly ImageLayer[], format: FileSpec["format"], signal?: AbortSignal) {
  if (format === "vmdk") return await checkReach(layers[0]?.path ?? "", format, signal);
  if (format !== "qcow2") return;
  for (const layer of layers) if (layer.format === "qcow2") await checkReach(layer.path, "qcow2", signal);
}

type OpenedFile = { source: OpenSource; tracking: ImageTracking | null };

async function openFile(disk: DiskRequest & { spec: FileSpec }, context: FreezeContext): Promise<OpenedFile> {
  const { spec } = disk;
  const path = await resolveInsideRoots(spec.path, context.roots);
  await checkFile(path, spec.format);
  let layers: ImageLayer[] = [{ path, format: "raw" }];
  if (spec.format === "qcow2") layers = await qcow2Layers(path, context.roots);
  else if (spec.format !== "raw") await checkForeignImage(path, spec.format);
  const formatOf = (layer: ImageLayer): string => (spec.format === "qcow2" ? layer.format : spec.format);
  const reaching = checkReaches(layers, spec.format, context.signal);
  // What QEMU says of an image goes first; until then a failure of our own look must not count as unhandled.
  reaching.catch(() => undefined);
  const infos = await Promise.all(layers.map((layer) => tryOpening(layer.path, formatOf(layer), context.signal)));
  await reaching;
  const bitmaps = infos[0]?.bitmaps ?? [];
  const tracking =
    spec.format === "qcow2" ? await trackByImage({ path, bitmaps }, disk, spec.write_bitmap, context.addBitmap) : null;
  const foreign = spec.format === "raw" || spec.format === "qcow2" ? null : spec.format;
  const source: OpenSource = {
    diskId: disk.diskId,
    kind: "file",
    description: path,
    format: spec.format,
    node: foreign === null ? layersNode(layers) : foreignNode(path, foreign),
    rawFile: spec.format === "raw" ? path : null,
    dirty: tracking?.dirty ?? { via: "none" },
    dirtyReason: tracking?.dirtyReason ?? `a ${spec.format} file keeps no dirty bitmap`,
    confirm: await watchStillness(
      layers.map((layer) => layer.path),
      "file",
    ),
  };
  return { source, tracking };
}

/** Disks of a stopped VM in image files. They are only read (but for a bitmap, where allowed) and watched for changes. */
export const freezeFiles: Freeze<"file"> = async (disks, context): Promise<FrozenPoint> => {
  const opened: OpenedFile[] = [];
  const release: FrozenPoint["release"] = async (outcome) => {
    const problems = await Promise.all(opened.map(async ({ tracking }) => (await tracking?.release(outcome)) ?? []));
    return problems.flat();
  };
  try {
    for (const disk of disks) opened.push(await openFile(disk, context));
  } catch (error) {
    for (const problem of await release("abandoned")) context.warn(problem);
    throw error;
  }
  return { consistency: "offline", sources: opened.map(({ source }) => source), release };
};
