/** What a worker of the kill tests is told to do, and what it tells. */

import { join } from "node:path";
import type { SourceSpec } from "@holdfast/protocol";
import type { BackupRequest, EngineKey } from "../../agent/src/engines/engine.ts";
import type { DiskRef } from "../../agent/src/repository/layout.ts";
import type { Repository } from "../../agent/src/repository/marker.ts";

export const ITEM_ID = "vm-1";
export const DISK: DiskRef = { vmContextId: ITEM_ID, diskId: 0 };

/** One raw disk, one qcow2 image with dirty bitmaps, two raw disks, one raw disk whose backups are zstd inside LUKS. */
export type Layout = "raw" | "qcow2" | "pair" | "locked";

export type Order = { layout: Layout } & (
  | { do: "backup"; type: BackupRequest["type"] }
  | { do: "verify" | "drill"; backupId: string }
  | { do: "removal"; backupIds: string[] }
);

export type WorkerEvent =
  | { event: "ready" | "end" }
  | { event: "warning"; text: string }
  | { event: "completed"; backups: { id: string; diskId: number; type: string }[] }
  | { event: "proven"; kind: "verification" | "drill"; id: string; status: string; reason: string }
  | { event: "removed"; ids: string[] }
  | { event: "failed"; code: string; message: string; details: string | null }
  /** From the preload. */
  | { event: "killing"; step: string; victim: "agent" | "tool" }
  | { event: "steps"; steps: string[] };

export const testKey: EngineKey = {
  keyId: "key-1",
  passphrase: Buffer.from("a key for kill tests"),
  mapKey: Buffer.alloc(32, 9),
  recoveryKeyId: "recovery-1",
  recoveryPassphrase: Buffer.from("a recovery key for kill tests"),
};

export function diskIds(layout: Layout): number[] {
  return layout === "pair" ? [0, 1] : [0];
}

export function diskPath(world: string, layout: Layout, diskId: number): string {
  return join(world, "disks", `disk-${diskId}.${layout === "qcow2" ? "qcow2" : "raw"}`);
}

export function sourceOf(world: string, layout: Layout, diskId: number): SourceSpec {
  const format = layout === "qcow2" ? "qcow2" : "raw";
  return { kind: "file", path: diskPath(world, layout, diskId), format, write_bitmap: format === "qcow2" };
}

export function requestOf(order: Order & { do: "backup" }, repository: Repository, world: string): BackupRequest {
  const { layout, type } = order;
  const disks = diskIds(layout).map((diskId) => ({ diskId, spec: sourceOf(world, layout, diskId) }));
  const image: BackupRequest["image"] =
    layout === "locked" ? { compression: "zstd", key: testKey } : { compression: "none", key: null };
  return { repository, item: { vmContextId: ITEM_ID, vmName: "vm", disks }, type, policy: {}, image };
}
