import { constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import type { SourceSpec } from "@holdfast/protocol";
import { HoldfastError } from "../../../errors.ts";
import { fileNode } from "../../../qemu/graph.ts";
import { type DiskRequest, type Freeze, type FreezeContext, type OpenSource, SOURCE_NODE } from "../source.ts";
import { resolveInsideRoots } from "./roots.ts";
import { watchStillness } from "./stillness.ts";

type BlockSpec = Extract<SourceSpec, { kind: "block" }>;

/** Linux refuses an exclusive open of a device that is mounted, swap, or part of LVM, RAID or a device mapper. */
async function checkUnused(path: string): Promise<void> {
  try {
    const device = await open(path, constants.O_RDONLY | constants.O_EXCL);
    // Whatever the kernel still holds for this device has to be on it before QEMU reads it.
    await device.sync().catch(() => undefined);
    await device.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
    throw new HoldfastError("SOURCE_LOCKED", {
      message: `${path} is in use (mounted, swap, LVM or RAID), so it does not stand still`,
      remedy: "Unmount it, or take a snapshot (e.g. lvcreate -s) and back up the snapshot's device.",
      cause: error,
    });
  }
}

async function openBlock(disk: DiskRequest & { spec: BlockSpec }, context: FreezeContext): Promise<OpenSource> {
  const path = await resolveInsideRoots(disk.spec.path, context.roots);
  if (!(await stat(path)).isBlockDevice()) {
    const remedy = "Use source kind 'file' for an image file.";
    throw new HoldfastError("SOURCE_NOT_A_DISK", { message: `${path} is not a block device`, remedy });
  }
  await checkUnused(path);
  return {
    diskId: disk.diskId,
    kind: "block",
    description: path,
    format: "raw",
    node: {
      driver: "raw",
      "node-name": SOURCE_NODE,
      "read-only": true,
      file: fileNode(path, { readOnly: true, locking: false }, "host_device"),
    },
    rawFile: path,
    dirty: { via: "none" },
    dirtyReason: "a block device keeps no dirty bitmap",
    confirm: await watchStillness([path], "block"),
  };
}

/** Block devices that nothing uses, e.g. the snapshot of a volume. */
export const freezeBlocks: Freeze<"block"> = async (disks, context) => {
  const sources: OpenSource[] = [];
  for (const disk of disks) sources.push(await openBlock(disk, context));
  return { consistency: "offline", sources, release: async () => [] };
};
