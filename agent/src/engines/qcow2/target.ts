import { open } from "node:fs/promises";
import { HoldfastError } from "../../errors.ts";
import type { BlockNode, StorageDaemon } from "../../qemu/daemon.ts";
import { fileNode } from "../../qemu/graph.ts";
import { waitForJob } from "../../qemu/job.ts";
import type { EngineKey, ImageOptions } from "../engine.ts";

export const TARGET_NODE = "target";
const FILE_NODE = "target-file";
const LUKS_NODE = "target-luks";
const CREATE_JOB = "create";

/** Ids of the secret objects in the job's daemon. */
const LUKS_SECRET = "luks-key";
const RECOVERY_SECRET = "luks-recovery";

/** The keys are random 256-bit values, so that stretching them (PBKDF2) would only cost time. */
const LUKS_ITERATION_MS = 10;
const LUKS_TRIES = 20;

const PREALLOCATED_BYTES = 128 * 2 ** 20;

export type TargetOptions = {
  /** The `.partial` file; must not exist. */
  path: string;
  /** Virtual size in bytes. */
  size: number;
  image: ImageOptions;
  clusterSize: number;
  /** Relative name of the parent's image file; null for a full, and for an encrypted image. */
  backingName: string | null;
};

/** The secret objects that a daemon needs to write (and read) images of this key. */
export function secretsOf(key: EngineKey | null): Map<string, Uint8Array> {
  if (key === null) return new Map();
  return new Map([
    [LUKS_SECRET, key.passphrase],
    [RECOVERY_SECRET, key.recoveryPassphrase],
  ]);
}

async function runJob(daemon: StorageDaemon, command: string, args: Record<string, unknown>): Promise<void> {
  await daemon.qmp.execute(command, { "job-id": CREATE_JOB, ...args });
  await waitForJob(daemon.qmp, CREATE_JOB, {});
}

/** Direct writes behind a file's end wait for each other; this moves the end ahead of them, and back when it is closed. */
function growingAhead(file: BlockNode): BlockNode {
  return { driver: "preallocate", "prealloc-size": PREALLOCATED_BYTES, "prealloc-align": 2 ** 20, file };
}

/**
 * Writes past the page cache where the file system can: 2 GiB of dirty pages would push out everything else. Not when
 * compressing: those writes are small and unaligned, and each would be read, changed and written again. QEMU's own
 * flushes keep the order inside an image that a crash leaves behind; a `.partial` is thrown away then, and synced once
 * it is whole, so that they would only cost time (some 40 for an increment).
 */
async function addFile(daemon: StorageDaemon, path: string, compressed: boolean): Promise<void> {
  const noFlush = true;
  const node = (direct: boolean): BlockNode => ({
    ...(direct ? growingAhead(fileNode(path, { direct, noFlush })) : fileNode(path, { noFlush })),
    "node-name": FILE_NODE,
  });
  try {
    await daemon.addNode(node(!compressed));
  } catch (error) {
    if (!(error instanceof HoldfastError) || !/O_DIRECT|direct|Invalid argument/i.test(error.message)) throw error;
    await daemon.addNode(node(false));
  }
}

/** QEMU times its key stretching by CPU usage and now and then cannot: then it is tried again. */
async function retryOnTiming(attempt: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      const timing = error instanceof HoldfastError && /accurate CPU usage/i.test(error.message);
      if (!timing || tries === LUKS_TRIES) throw error;
    }
  }
}

/** A LUKS container with two slots: the host's key and the recovery key, so that either opens it. */
async function addLuks(daemon: StorageDaemon): Promise<void> {
  const iterations = { "iter-time": LUKS_ITERATION_MS };
  const create = { driver: "luks", file: FILE_NODE, size: 0, "key-secret": LUKS_SECRET, ...iterations };
  await retryOnTiming(() => runJob(daemon, "blockdev-create", { options: create }));
  await daemon.addNode({ driver: "luks", "node-name": LUKS_NODE, file: FILE_NODE, "key-secret": LUKS_SECRET });
  const slot = { driver: "luks", state: "active", "new-secret": RECOVERY_SECRET, keyslot: 1, ...iterations };
  await retryOnTiming(() => runJob(daemon, "x-blockdev-amend", { "node-name": LUKS_NODE, options: slot }));
}

/**
 * Creates the image and opens it for writing as TARGET_NODE. Its backing file is named in the header only: whole
 * clusters are written, so the chain below is never opened.
 */
export async function createTarget(daemon: StorageDaemon, options: TargetOptions): Promise<void> {
  const { path, size, image, backingName, clusterSize } = options;
  await (await open(path, "wx", 0o600)).close();
  await addFile(daemon, path, image.compression !== "none");
  if (image.key !== null) await addLuks(daemon);
  const container = image.key === null ? FILE_NODE : LUKS_NODE;
  const format = {
    driver: "qcow2",
    file: container,
    size,
    version: "v3",
    "cluster-size": clusterSize,
    ...(image.compression === "zstd" && { "compression-type": "zstd" }),
    ...(backingName !== null && { "backing-file": backingName, "backing-fmt": "qcow2" }),
  };
  await runJob(daemon, "blockdev-create", { options: format });
  const node = { driver: "qcow2", "node-name": TARGET_NODE, file: container, backing: null };
  await daemon.addNode({ ...node, discard: "unmap", "detect-zeroes": "unmap" });
}

/** Closes the image and everything under it; what QEMU still held is then in the file (not yet on the medium). */
export async function closeTarget(daemon: StorageDaemon, key: EngineKey | null): Promise<void> {
  await daemon.removeNode(TARGET_NODE);
  if (key !== null) await daemon.removeNode(LUKS_NODE);
  await daemon.removeNode(FILE_NODE);
}
