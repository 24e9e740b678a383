import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Range } from "../../blockmap/scan.ts";
import { connectNbd } from "../../nbd/client.ts";
import type { StorageDaemon } from "../../qemu/daemon.ts";
import { fileNode } from "../../qemu/graph.ts";
import { waitForJob } from "../../qemu/job.ts";

const MARKER = "marker";
const GRANULARITY = 65_536;
const IN_FLIGHT = 64;
const CLUSTER_BYTES = 2 * 2 ** 20;
const MARKER_FILE = "marker-file";

/** A list of byte ranges in QEMU's own terms: a dirty bitmap. */
export type Marker = {
  /** Adds a range; resolves when there is room for more. */
  mark: (range: Range) => Promise<void>;
  /** Puts all marked ranges as a bitmap onto another node and returns the bitmap's name. Call once, at the end. */
  applyTo: (node: string) => Promise<string>;
};

/**
 * An empty image that takes writes of zeroes as a flag for each 2 MiB and so holds next to nothing, whatever its size.
 * (QEMU's null device cannot take zeroes without making them: 0.4 s for each GiB.)
 */
async function addZeroDisk(daemon: StorageDaemon, size: number): Promise<void> {
  const path = join(daemon.folder, MARKER);
  await (await open(path, "wx", 0o600)).close();
  const file = { ...fileNode(path, { noFlush: true }), "node-name": MARKER_FILE };
  await daemon.addNode(file);
  const options = { driver: "qcow2", file: MARKER_FILE, size, "cluster-size": CLUSTER_BYTES };
  await daemon.qmp.execute("blockdev-create", { "job-id": MARKER, options });
  await waitForJob(daemon.qmp, MARKER, {});
  await daemon.addNode({ driver: "qcow2", "node-name": MARKER, file: MARKER_FILE, discard: "unmap" });
}

/**
 * The way to hand any list of changed ranges to QEMU: an empty image is exported writable with a bitmap on it, zeroes
 * are "written" to each range, and the bitmap is merged into one of the source. No data moves. (A bitmap cannot be
 * filled through QMP, and a source is read-only.)
 */
export async function startMarker(daemon: StorageDaemon, size: number): Promise<Marker> {
  await addZeroDisk(daemon, size);
  const bitmap = { node: MARKER, name: MARKER, granularity: GRANULARITY };
  await daemon.qmp.execute("block-dirty-bitmap-add", bitmap);
  const endpoint = await daemon.exportNbd({ node: MARKER, name: MARKER, writable: true });
  const client = await connectNbd(endpoint);
  const inFlight = new Set<Promise<void>>();
  let failed: unknown;
  return {
    mark: async ({ offset, length }) => {
      const sent: Promise<void> = client.writeZeroes(offset, length).then(
        () => void inFlight.delete(sent),
        (error: unknown) => {
          failed ??= error;
          inFlight.delete(sent);
        },
      );
      inFlight.add(sent);
      if (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight);
      if (failed !== undefined) throw failed;
    },
    applyTo: async (node) => {
      await Promise.all(inFlight);
      if (failed !== undefined) throw failed;
      await client.close();
      const onto = { node, name: MARKER };
      await daemon.qmp.execute("block-dirty-bitmap-add", { ...onto, granularity: GRANULARITY, disabled: true });
      await daemon.qmp.execute("block-dirty-bitmap-merge", {
        node,
        target: MARKER,
        bitmaps: [{ node: MARKER, name: MARKER }],
      });
      return MARKER;
    },
  };
}
