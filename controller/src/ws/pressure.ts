import type { Ingest } from "../services/ingest/ingest.ts";
import type { Live } from "./live.ts";
import type { HubSettings } from "./settings.ts";

export type Pressure = {
  /** After a connection added to what waits (`live`), or something was committed (null). */
  look(live: Live | null): void;
  paused(): number;
};

/** When too much waits for its commit, those that add to it are no longer read, until most of it is done. */
export function openPressure(ingest: Ingest, limits: Pick<HubSettings, "pauseBytes" | "resumeBytes">): Pressure {
  const held = new Set<Live>();
  return {
    look(live) {
      const waiting = ingest.waitingBytes();
      if (live !== null && waiting > limits.pauseBytes) {
        live.peer.socket.pause();
        held.add(live);
      }
      if (live !== null || waiting > limits.resumeBytes) return;
      for (const each of held) each.peer.socket.resume();
      held.clear();
    },
    paused: () => held.size,
  };
}
