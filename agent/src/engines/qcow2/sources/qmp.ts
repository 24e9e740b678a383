import { HoldfastError } from "../../../errors.ts";
import type { Qmp } from "../../../qemu/qmp.ts";
import type { Freeze, FreezeContext, FrozenPoint, OpenSource } from "../source.ts";
import { addMark, beginBitmap, fillMark, type Recorded, tidyBitmaps } from "./qmp-bitmaps.ts";
import { removeLeftovers, sweepFolder } from "./qmp-cleanup.ts";
import { confirmFrozen } from "./qmp-confirm.ts";
import { findDisks, type VmDisk } from "./qmp-disks.ts";
import { addExport, sourceNode, startServer } from "./qmp-export.ts";
import {
  addView,
  fleeceFile,
  fleeceLimit,
  flushAhead,
  openFolder,
  prepareDisk,
  removeView,
  switchOver,
} from "./qmp-fleece.ts";
import { markName, newJob } from "./qmp-names.ts";
import { healFrozenGuests, whileQuiesced } from "./qmp-quiesce.ts";
import { type Hold, releaseHold } from "./qmp-release.ts";
import { connectVm } from "./qmp-vm.ts";
import { resolveInsideRoots } from "./roots.ts";

type QmpDisk = Parameters<Freeze<"qmp">>[0][number];
/** What all disks of the request have in common; paths are real ones, inside the roots. */
type Vm = { socket: string; guestAgent: string | undefined; fleeceFolder: string | undefined };
type Prepared = { request: QmpDisk; disk: VmDisk; recorded: Recorded };

async function commonPath(
  disks: readonly QmpDisk[],
  name: "socket" | "guest_agent" | "fleece_folder",
  roots: readonly string[],
): Promise<string | undefined> {
  const [path, ...others] = new Set(disks.flatMap(({ spec }) => spec[name] ?? []));
  if (others.length === 0) return path === undefined ? undefined : await resolveInsideRoots(path, roots);
  const remedy =
    "Make an item for each VM; all disks of one VM name the same `socket`, `guest_agent` and `fleece_folder`.";
  throw new HoldfastError("BAD_REQUEST", { message: `the disks of one item differ in ${name}`, remedy });
}

async function checkRequest(disks: readonly QmpDisk[], roots: readonly string[]): Promise<Vm> {
  const socket = await commonPath(disks, "socket", roots);
  if (socket === undefined) throw new HoldfastError("BAD_REQUEST", { message: "no disk of a VM was asked for" });
  return {
    socket,
    guestAgent: await commonPath(disks, "guest_agent", roots),
    fleeceFolder: await commonPath(disks, "fleece_folder", roots),
  };
}

/** Finds the disks in a VM that is free of what earlier backups left. */
async function prepareVm(qmp: Qmp, vm: Vm, requests: readonly QmpDisk[], context: FreezeContext): Promise<Prepared[]> {
  for (const sentence of await healFrozenGuests(vm.fleeceFolder)) context.warn(sentence);
  for (const sentence of await removeLeftovers(qmp)) context.warn(sentence);
  await sweepFolder(vm.fleeceFolder);
  const devices = requests.map(({ spec }) => spec.device);
  const disks = await findDisks(qmp, devices);
  const prepared: Prepared[] = [];
  for (const [index, request] of requests.entries()) {
    const disk = disks[index];
    if (!disk) throw new HoldfastError("INTERNAL", { message: `disk ${index} was not looked for` });
    prepared.push({ request, disk, recorded: await tidyBitmaps(qmp, disk.node, request.parentId, context.warn) });
  }
  return prepared;
}

async function protect(hold: Hold, disks: readonly Prepared[], limit: number, context: FreezeContext): Promise<void> {
  const { qmp, job } = hold;
  for (const [index, { disk, request }] of disks.entries()) {
    if (context.signal?.aborted) throw new HoldfastError("CANCELLED", { message: "cancelled" });
    await addMark(qmp, disk.node, markName(job, index));
    await prepareDisk(qmp, { job, index, folder: hold.folder.path, limit }, disk);
    await beginBitmap(qmp, disk, request.backupId, { persistent: request.spec.write_bitmap, warn: context.warn });
  }
}

/** The views come first: a server found without a job's view is not taken for one that a killed job had started. */
async function publish(hold: Hold, disks: readonly Prepared[]): Promise<string> {
  const { qmp, job } = hold;
  for (const index of disks.keys()) await addView(qmp, job, index);
  const socket = await startServer(qmp, job, hold.folder.path).catch(async (error: unknown) => {
    for (const index of disks.keys()) await removeView(qmp, job, index);
    throw error;
  });
  for (const [index, { disk, request, recorded }] of disks.entries()) {
    if (recorded.trusted && request.parentId !== null) {
      await fillMark(qmp, disk.node, markName(job, index), request.parentId);
    }
    await addExport(qmp, job, index, disk);
  }
  return socket;
}

function openSource(hold: Hold, prepared: Prepared, index: number, socket: string, limit: number): OpenSource {
  const { request, recorded } = prepared;
  const name = markName(hold.job, index);
  const endpoint = { transport: "unix", socket, exportName: name } as const;
  const description = `disk ${request.spec.device} of the VM at ${request.spec.socket}`;
  const fleece = fleeceFile(hold.folder.path, hold.job, index);
  return {
    diskId: request.diskId,
    kind: "qmp",
    description,
    format: "raw",
    node: sourceNode(socket, hold.job, index),
    rawFile: null,
    dirty: recorded.trusted ? { via: "server", endpoint, context: `qemu:dirty-bitmap:${name}` } : { via: "none" },
    dirtyReason: recorded.trusted
      ? "the VM's own bitmap has recorded every write since the parent backup"
      : recorded.reason,
    confirm: () => confirmFrozen({ description, endpoint, fleece, limit, closed: hold.qmp.closed }),
  };
}

async function freezePrepared(
  hold: Hold,
  disks: readonly Prepared[],
  limit: number,
  context: FreezeContext,
): Promise<FrozenPoint> {
  await protect(hold, disks, limit, context);
  await Promise.all(disks.map(({ disk }) => flushAhead(disk.file)));
  const where = { job: hold.job, folder: hold.folder.path, guestAgent: hold.guestAgent, warn: context.warn };
  const consistency = await whileQuiesced(where, () => switchOver(hold.qmp, hold.job, disks.length));
  const socket = await publish(hold, disks);
  return {
    consistency,
    sources: disks.map((prepared, index) => openSource(hold, prepared, index, socket, limit)),
    release: (outcome) => releaseHold(hold, outcome),
  };
}

/** `freezeQmp` with a bound for each fleece in bytes, in place of a share of the free space. */
export async function freezeVm(
  requests: readonly QmpDisk[],
  context: FreezeContext,
  fleeceBound?: number,
): Promise<FrozenPoint> {
  const vm = await checkRequest(requests, context.roots);
  const qmp = await connectVm(vm.socket, context.signal);
  let hold: Hold | undefined;
  try {
    const disks = await prepareVm(qmp, vm, requests, context);
    const job = await newJob();
    const backupIds = requests.map(({ backupId }) => backupId);
    hold = { ...vm, qmp, job, backupIds, folder: { path: "", owned: false } };
    hold.folder = await openFolder(job, vm.fleeceFolder);
    const limit = fleeceBound ?? (await fleeceLimit(hold.folder.path, disks.length));
    return await freezePrepared(hold, disks, limit, context);
  } catch (error) {
    if (hold) for (const problem of await releaseHold(hold, "abandoned")) context.warn(problem);
    qmp.close();
    throw error;
  }
}

/**
 * Disks of one running VM at one moment, served by the VM itself while the guest writes on. Needs QEMU 7.1. Throws
 * BAD_REQUEST, NOT_FOUND, SOURCE_MISSING, SOURCE_NOT_ALLOWED, SOURCE_EMPTY, SOURCE_NOT_A_DISK, NO_PERMISSION,
 * NO_SPACE, BUSY, QMP_FAILED, CANCELLED; then the VM is as it was.
 */
export const freezeQmp: Freeze<"qmp"> = (disks, context) => freezeVm(disks, context);
