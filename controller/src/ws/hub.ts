/** The agent port as a whole: lets agents in, keeps their connections, and ends them. */

import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { setFlagsFromString } from "node:v8";
import { MAX_FRAME_BYTES } from "@holdfast/protocol";
import { WebSocketServer } from "ws";
import type { EndReason } from "../services/presence/links.ts";
import { linkOf, tick } from "./connection.ts";
import { createListener, type HubTls } from "./listener.ts";
import type { ConnectionEvents, Live } from "./live.ts";
import type { HubContext } from "./ports.ts";
import { openPressure } from "./pressure.ts";
import { receive } from "./receive.ts";
import { type HubSettings, hubSettings } from "./settings.ts";

export type HubStats = {
  connections: number;
  streaming: number;
  paused: number;
  refused: number;
  unknownFrames: number;
};
export type Hub = {
  /** Rejects with the system's error when the port cannot be had. */
  listen(port: number, host?: string): Promise<AddressInfo>;
  /** For connections to come. */
  setCertificate(tls: HubTls): void;
  stats(): HubStats;
  /** What runs every second. */
  tick(): void;
  close(): Promise<void>;
};

const TICK_MS = 1000;
const STOPPING: EndReason = { code: "STOPPING", message: "the controller is stopping", retryAfterSeconds: 2 };

export function openHub(context: HubContext, tls: HubTls, given: Partial<HubSettings> = {}): Hub {
  const settings = hubSettings(given);
  // A thousand handshakes at once make much garbage; V8 would grow its young generation for it by 100 MB, for good.
  setFlagsFromString("--semi-space-growth-factor=1");
  const all = new Set<Live>();
  const stats = { refused: 0, unknownFrames: 0 };
  const pressure = openPressure(context.ingest, settings);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false });
  const events = connectionEvents(context, stats, pressure.look);
  const { server, close } = createListener(tls, settings, context.log, (upgrade) =>
    receive({ context, settings, sockets, all, events }, upgrade),
  );
  const everyone = () => {
    for (const live of all) tick(live);
  };
  const timer = setInterval(everyone, TICK_MS).unref();
  return {
    listen: (port, host) => listening(server, port, host),
    setCertificate: (next) => server.setSecureContext({ ...next, minVersion: "TLSv1.3" }),
    stats: () => ({
      ...stats,
      connections: all.size,
      streaming: [...all].filter(({ session }) => session.phase.at === "streaming").length,
      paused: pressure.paused(),
    }),
    tick: everyone,
    async close() {
      clearInterval(timer);
      for (const live of all) linkOf(live).end(STOPPING);
      await close();
    },
  };
}

type Counts = { refused: number; unknownFrames: number };

function connectionEvents({ log }: HubContext, counts: Counts, look: (live: Live | null) => void): ConnectionEvents {
  const told = new WeakSet<Live>();
  return {
    onSubmitted: look,
    onSettled: () => look(null),
    onRefused({ peer }, { code, message }) {
      counts.refused += 1;
      log.warn(
        { agent_id: peer.shown.agentId, source: peer.source, reason: code, detail: message },
        "a link was ended",
      );
    },
    onUnknown(live, kind) {
      counts.unknownFrames += 1;
      // The first of a connection says it all, and the log stays short.
      if (told.has(live)) return;
      told.add(live);
      log.info(
        { agent_id: live.peer.shown.agentId, kind },
        "a frame of a kind that this version does not know was skipped",
      );
    },
  };
}

function listening(server: Server, port: number, host: string | undefined): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve(server.address() as AddressInfo);
    });
  });
}
