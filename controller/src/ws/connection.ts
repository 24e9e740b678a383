/** One agent's WebSocket: feeds the session machine with what is heard, and carries out what it answers. */
import { decodeAgentFrame } from "@holdfast/protocol";
import type { RawData } from "ws";
import type { EndReason, Link } from "../services/presence/links.ts";
import { fullBucket, taken } from "./allowance.ts";
import { perform } from "./effects.ts";
import type { ConnectionEvents, Live, Peer } from "./live.ts";
import { outletOf } from "./outlet.ts";
import type { HubContext } from "./ports.ts";
import { openSession, stepSession } from "./session.ts";
import type { HubSettings } from "./settings.ts";

/** Starts to listen; the socket is to be paused until its owner was admitted. */
export function openConnection(context: HubContext, settings: HubSettings, peer: Peer, events: ConnectionEvents): Live {
  const at = context.now().getTime();
  const live: Live = {
    context,
    settings,
    events,
    peer,
    outlet: outletOf(peer.socket, settings.unreadBytes),
    gone: new AbortController(),
    session: openSession(at),
    frames: fullBucket(settings.frames, at),
    bytes: fullBucket(settings.bytes, at),
    pingedAt: at,
    step(event) {
      const next = stepSession(live.session, event, context.now().getTime(), settings);
      live.session = next.session;
      for (const effect of next.effects) perform(live, effect);
    },
  };
  peer.socket.on("message", (data, isBinary) => hear(live, data, isBinary));
  for (const kind of ["ping", "pong"] as const)
    peer.socket.on(kind, (data: Buffer) => {
      if (isAllowed(live, data.length)) live.step({ type: "pong" });
    });
  peer.socket.on("error", (error) => noteSocketError(live, error));
  peer.socket.on("close", () => live.gone.abort(new Error("the connection is gone")));
  return live;
}

/** How the services reach the agent: nothing is sent before it said that it is ready. */
export function linkOf(live: Live): Link {
  return {
    send: (frame) => live.session.phase.at === "streaming" && live.outlet.send(frame),
    end: (reason: EndReason) => live.step({ type: "refused", refusal: reason }),
  };
}

/** Once a second: time limits, the certificate's end, a ping. */
export function tick(live: Live): void {
  const now = live.context.now();
  const { notAfter } = live.peer.shown;
  if (now > notAfter) {
    const message = `the certificate ended at ${notAfter.toISOString()}: renew it over HTTPS`;
    live.step({ type: "refused", refusal: { code: "CERTIFICATE_EXPIRED", message, retryAfterSeconds: null } });
  }
  live.step({ type: "tick" });
  if (now.getTime() - live.pingedAt < live.settings.heartbeatSeconds * 1000) return;
  live.pingedAt = now.getTime();
  if (live.peer.socket.readyState === live.peer.socket.OPEN) live.peer.socket.ping();
}

function hear(live: Live, data: RawData, isBinary: boolean): void {
  if (live.session.phase.at === "closed") return;
  const bytes = Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]);
  const decoded = isBinary ? { malformed: "a binary frame" } : decodeAgentFrame(bytes.toString("utf8"));
  const isBatch = "frame" in decoded && decoded.frame.type === "events";
  // Events are held back by the window of batches; everything else only by this.
  if (!isBatch && !isAllowed(live, bytes.length)) return;
  live.context.presence.seen(live.peer.shown.agentId);
  live.step({ type: "heard", decoded, bytes: bytes.length });
}

function isAllowed(live: Live, bytes: number): boolean {
  const now = live.context.now().getTime();
  live.frames = taken(live.frames, live.settings.frames, 1, now);
  live.bytes = taken(live.bytes, live.settings.bytes, bytes, now);
  if (live.frames.left >= 0 && live.bytes.left >= 0) return true;
  const message = "more frames than any agent has reason to send";
  live.step({ type: "refused", refusal: { code: "FLOOD", message, retryAfterSeconds: 60 } });
  return false;
}

/** What `ws` itself refuses: frames that are too large, not masked, not UTF-8. It closes the socket by itself. */
function noteSocketError(live: Live, error: Error & { code?: string }): void {
  if (live.session.phase.at === "closed") return;
  const { agentId } = live.peer.shown;
  live.context.log.warn(
    { agent_id: agentId, source: live.peer.source, reason: error.code ?? error.message },
    "a link broke",
  );
}
