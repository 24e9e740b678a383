import type { SourceSpec } from "@holdfast/protocol";
import { HoldfastError } from "../../errors.ts";
import type { DiskRequest, FreezeContext, FrozenPoint } from "./source.ts";
import { freezeBlocks } from "./sources/block.ts";
import { freezeFiles } from "./sources/file.ts";
import { freezeNbd } from "./sources/nbd.ts";
import { freezeQmp } from "./sources/qmp.ts";

type DiskOf<Kind extends SourceSpec["kind"]> = DiskRequest & { spec: Extract<SourceSpec, { kind: Kind }> };

function allOf<Kind extends SourceSpec["kind"]>(disks: readonly DiskRequest[], kind: Kind): DiskOf<Kind>[] {
  return disks.filter((disk): disk is DiskOf<Kind> => disk.spec.kind === kind);
}

/** Makes all disks of an item stand still at one moment. Disks of different kinds cannot: BAD_REQUEST. */
export async function freeze(disks: readonly DiskRequest[], context: FreezeContext): Promise<FrozenPoint> {
  const kinds = [...new Set(disks.map((disk) => disk.spec.kind))];
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    const message = `the disks of one item must be of one kind, these are: ${kinds.join(", ") || "none"}`;
    throw new HoldfastError("BAD_REQUEST", { message, remedy: "Make an item for each kind of source." });
  }
  switch (kind) {
    case "file":
      return await freezeFiles(allOf(disks, "file"), context);
    case "block":
      return await freezeBlocks(allOf(disks, "block"), context);
    case "nbd":
      return await freezeNbd(allOf(disks, "nbd"), context);
    case "qmp":
      return await freezeQmp(allOf(disks, "qmp"), context);
  }
}
