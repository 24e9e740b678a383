import { stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { HoldfastError } from "../../../errors.ts";
import { connectNbd } from "../../../nbd/client.ts";
import type { NbdEndpoint } from "../../../nbd/endpoint.ts";
import { noRoom } from "./qmp-fleece.ts";

const ANSWER_MS = 20_000;
const LITTLE_SPACE = 16 * 1024 ** 2;
/** A connection learns of its end a little after the process has gone. */
const LATE_NEWS_MS = 200;

export type FrozenDisk = {
  description: string;
  endpoint: NbdEndpoint;
  fleece: string;
  /** Bytes that the fleece may grow to. */
  limit: number;
  /** Resolves when the VM's monitor is gone. */
  closed: Promise<void>;
};

/**
 * Once a filter has given its snapshot up, every read of the view fails: one that works proves that none before was
 * wrong. Throws SOURCE_MISSING when the VM went away, NO_SPACE when the fleece was full, else SOURCE_CHANGED.
 */
export async function confirmFrozen(disk: FrozenDisk): Promise<void> {
  try {
    const client = await connectNbd(disk.endpoint, { timeoutMs: ANSWER_MS });
    try {
      await client.read(0, new Uint8Array(512));
    } finally {
      await client.close();
    }
  } catch (cause) {
    throw await explain(disk, cause);
  }
}

async function explain(disk: FrozenDisk, cause: unknown): Promise<HoldfastError> {
  const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), LATE_NEWS_MS));
  if (await Promise.race([disk.closed.then(() => true), late])) {
    const remedy = "Start the VM again, then repeat the backup.";
    return new HoldfastError("SOURCE_MISSING", {
      message: `the VM went away while ${disk.description} was read`,
      remedy,
      cause,
    });
  }
  const used = await stat(disk.fleece).then(
    (found) => found.blocks * 512,
    () => 0,
  );
  const folder = dirname(disk.fleece);
  const free = await statfs(folder).then(
    (found) => found.bavail * found.bsize,
    () => LITTLE_SPACE,
  );
  if (used > disk.limit / 2 || free < LITTLE_SPACE)
    return noRoom(folder, `the fleece of ${disk.description} took ${used} bytes`);
  const message = `the guest overwrote ${disk.description} before its old data could be saved`;
  const remedy = "Put `fleece_folder` on a faster disk, and check that one for errors.";
  return new HoldfastError("SOURCE_CHANGED", { message, remedy, cause });
}
