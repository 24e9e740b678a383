/** A folder with VMs in it and the requests, frozen points and readings that tests of running VMs have in common. */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SourceSpec } from "@holdfast/protocol";
import type { DiskRequest, FreezeContext, FrozenPoint, OpenSource } from "../../agent/src/engines/qcow2/source.ts";
import { freezeQmp } from "../../agent/src/engines/qcow2/sources/qmp.ts";
import { listNodes } from "../../agent/src/engines/qcow2/sources/qmp-vm.ts";
import { connectNbd } from "../../agent/src/nbd/client.ts";
import type { NbdEndpoint } from "../../agent/src/nbd/endpoint.ts";
import { runProgram } from "./disks.ts";
import { type Guest, type GuestDisk, type GuestOptions, startGuest } from "./guest.ts";

export const KIB = 1024;
export const MIB = 1024 ** 2;
export const BLOCK = 64 * KIB;
export const DISK_SIZE = 16 * MIB;

export type Wish = { backupId: string; parentId?: string; write_bitmap?: boolean; guest_agent?: string };
export type QmpRequest = DiskRequest & { spec: Extract<SourceSpec, { kind: "qmp" }> };

export type GuestBench = {
  folder: string;
  fleeceFolder: string;
  /** What freezes warned of. */
  warnings: string[];
  makeDisk: (id: string, format: "raw" | "qcow2", more?: Partial<GuestDisk>, size?: number) => Promise<GuestDisk>;
  /** Starts a VM in the folder; a former one must have ended. */
  boot: (...disks: GuestDisk[]) => Promise<Guest>;
  bootWith: (options: Omit<GuestOptions, "folder">) => Promise<Guest>;
  /** Ends the VM in an orderly way. */
  stop: () => Promise<void>;
  request: (device: string, wish: Wish, diskId?: number) => QmpRequest;
  context: () => FreezeContext;
  freezeOne: (device: string, wish: Wish) => Promise<{ point: FrozenPoint; source: OpenSource }>;
  [Symbol.asyncDispose]: () => Promise<void>;
};

export async function openGuestBench(): Promise<GuestBench> {
  const folder = await mkdtemp(join(tmpdir(), "hfg-"));
  const fleeceFolder = join(folder, "fleece");
  await mkdir(fleeceFolder);
  const warnings: string[] = [];
  let guest: Guest | undefined;
  const bootWith = async (options: Omit<GuestOptions, "folder">): Promise<Guest> => {
    guest = await startGuest({ folder, ...options });
    return guest;
  };
  const request = (device: string, { backupId, parentId, ...spec }: Wish, diskId = 0): QmpRequest => {
    const base = { kind: "qmp", socket: join(folder, "qmp.sock"), fleece_folder: fleeceFolder } as const;
    return { diskId, spec: { ...base, device, write_bitmap: false, ...spec }, backupId, parentId: parentId ?? null };
  };
  const context = (): FreezeContext => ({
    roots: [folder],
    nbdServers: [],
    warn: (sentence) => void warnings.push(sentence),
  });
  return {
    folder,
    fleeceFolder,
    warnings,
    makeDisk: async (id, format, more = {}, size = DISK_SIZE) => {
      const path = join(folder, `${id}.${format}`);
      await runProgram("qemu-img", "create", "-q", "-f", format, path, String(size));
      return { id, path, format, ...more };
    },
    boot: (...disks) => bootWith({ disks }),
    bootWith,
    stop: async () => await guest?.quit(),
    request,
    context,
    freezeOne: async (device, wish) => {
      const point = await freezeQmp([request(device, wish)], context());
      const [source] = point.sources;
      if (!source) throw new Error("nothing was frozen");
      return { point, source };
    },
    [Symbol.asyncDispose]: async () => {
      if (guest?.running()) await guest.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function endpointOf(source: OpenSource): NbdEndpoint {
  const { server, export: exportName } = source.node as unknown as { server: { path: string }; export: string };
  return { transport: "unix", socket: server.path, exportName };
}

/** The frozen disk as the engine would read it. */
export async function openFrozen(source: OpenSource): Promise<{
  size: number;
  read: (offset: number, length: number) => Promise<Buffer>;
  [Symbol.asyncDispose]: () => Promise<void>;
}> {
  const client = await connectNbd(endpointOf(source));
  const read = async (offset: number, length: number): Promise<Buffer> => {
    const bytes = Buffer.alloc(length);
    await client.read(offset, bytes);
    return bytes;
  };
  return { size: client.size, read, [Symbol.asyncDispose]: () => client.close() };
}

export async function frozenBytes(source: OpenSource): Promise<Buffer> {
  await using reader = await openFrozen(source);
  return await reader.read(0, reader.size);
}

/** Numbers of the 64 KiB blocks that the source's bitmap lists. */
export async function dirtyBlocks(source: OpenSource): Promise<number[]> {
  if (source.dirty.via !== "server") throw new Error(source.dirtyReason);
  const { endpoint, context } = source.dirty;
  const client = await connectNbd(endpoint, { contexts: [context] });
  const blocks: number[] = [];
  for (let offset = 0; offset < client.size; ) {
    for (const run of await client.blockStatus(context, offset, client.size - offset)) {
      offset = run.offset + run.length;
      if ((run.flags & 1) === 0) continue;
      for (let at = run.offset; at < offset; at += BLOCK) blocks.push(at / BLOCK);
    }
  }
  await client.close();
  return blocks;
}

/** What backups left in a VM: nodes of ours, and bitmaps with whether they record. */
export async function tracesIn(guest: Guest): Promise<string[]> {
  return (await listNodes(guest.qmp)).flatMap((node) => [
    ...(node["node-name"].startsWith("hf-") ? [node["node-name"]] : []),
    ...(node["dirty-bitmaps"] ?? []).map(({ name, recording }) => `${name} ${recording ? "records" : "stands"}`),
  ]);
}
