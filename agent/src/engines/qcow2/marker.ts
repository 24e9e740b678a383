import type { Range } from "../../blockmap/scan.ts";
import { connectNbd } from "../../nbd/client.ts";
import type { StorageDaemon } from "../../qemu/daemon.ts";

const MARKER = "marker";
const GRANULARITY = 65_536;
const IN_FLIGHT = 64;

/** A list of byte ranges in QEMU's own terms: a dirty bitmap. */
export type Marker = {
  /** Adds a range; resolves when there is room for more. */
  mark: (range: Range) => Promise<void>;
  /** Puts all marked ranges as a bitmap onto another node and returns the bitmap's name. Call once, at the end. */
  applyTo: (node: string) => Promise<string>;
};

/**
 * The way to hand any list of changed ranges to QEMU: a null device is exported writable with a bitmap on it, zeroes
 * are "written" to each range, and the bitmap is merged into one of the source. No data moves. (A bitmap cannot be
 * filled through QMP, and a source is read-only.)
 */
export async function startMarker(daemon: StorageDaemon, size: number): Promise<Marker> {
  await daemon.addNode({ driver: "null-co", "node-name": MARKER, size, "read-zeroes": true });
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
