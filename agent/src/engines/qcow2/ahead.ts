/** What takes a while to start and is needed by every backup begins before anything else of it. */
import { warmUpScan } from "../../blockmap/scan.ts";
import { type StorageDaemon, startStorageDaemon } from "../../qemu/daemon.ts";
import { addBitmapIn, changeBitmap } from "../../qemu/image.ts";
import type { BackupRequest } from "../engine.ts";
import { warmUpFor } from "../warm-up.ts";
import type { AddBitmap, OpenSource } from "./source.ts";
import { secretsOf } from "./target.ts";

/** A storage daemon for the first disk of a backup, on its way. */
export type Ahead = {
  /** The daemon for a source; one that was not started ahead is started now. Throws as `startStorageDaemon` does. */
  daemonFor: (source: OpenSource) => Promise<StorageDaemon>;
  addBitmap: AddBitmap;
  /** Ends the one that nobody took. */
  [Symbol.asyncDispose]: () => Promise<void>;
};

/** Starts what a backup will need. A failure is heard when the daemon is asked for. */
export function startAhead(request: BackupRequest, signal?: AbortSignal): Ahead {
  const { disks } = request.item;
  warmUpFor(
    request.type,
    disks.map(({ spec }) => spec),
  );
  const secrets = secretsOf(request.image.key);
  // Whoever connects to a server with TLS needs credentials in the daemon's folder, which are known only later.
  const suits = disks.every(({ spec }) => spec.kind !== "nbd");
  let waiting = suits ? startStorageDaemon({ secrets, signal }) : undefined;
  waiting?.catch(() => undefined);
  const take = (): typeof waiting => {
    const taken = waiting;
    waiting = undefined;
    return taken;
  };
  return {
    daemonFor: async ({ dirty, objects }) => {
      if (dirty.via === "none") warmUpScan();
      const ready = objects === undefined ? take() : undefined;
      return await (ready ?? startStorageDaemon({ secrets, signal, ...(objects && { objects }) }));
    },
    addBitmap: async (path, name) => {
      if (waiting === undefined) await changeBitmap(path, "add", name);
      else await addBitmapIn(await waiting, path, name);
    },
    [Symbol.asyncDispose]: async () => {
      const unused = await take()?.catch(() => undefined);
      await unused?.[Symbol.asyncDispose]();
    },
  };
}
