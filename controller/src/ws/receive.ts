/** Lets one agent in: by its certificate, one step after the other. */
import type { WebSocket, WebSocketServer } from "ws";
import type { AgentCertificate } from "../adapters/pki/verify.ts";
import { linkOf, openConnection } from "./connection.ts";
import { refuseUpgrade, type Upgrade } from "./listener.ts";
import type { ConnectionEvents, Live } from "./live.ts";
import type { HubContext } from "./ports.ts";
import { type HubSettings, jittered } from "./settings.ts";

export type Reception = {
  context: HubContext;
  settings: HubSettings;
  sockets: WebSocketServer;
  /** All that stand, those that are being let in included. */
  all: Set<Live>;
  events: ConnectionEvents;
};

const STORM_SECONDS = 5;

export function receive(reception: Reception, { request, socket, head }: Upgrade): void {
  const { context, settings, sockets, all } = reception;
  const source = socket.remoteAddress ?? "";
  const der = socket.getPeerX509Certificate()?.raw;
  const shown = der === undefined ? undefined : context.identity.verify(der);
  if (shown?.ok !== true) {
    const reason = shown?.code ?? "NO_CERTIFICATE";
    context.log.warn({ source, reason, detail: shown?.message }, "a connection to the agent port was refused");
    refuseUpgrade(socket, { status: 403, reason });
    return;
  }
  if (greetings(all) >= settings.greetings) {
    refuseUpgrade(socket, { status: 503, reason: "Service Unavailable", retryAfter: STORM_SECONDS });
    return;
  }
  sockets.handleUpgrade(request, socket, head, (opened) => welcome(reception, opened, shown, source));
}

/** Counted as standing before it is asked for, so that a revocation at this very moment finds it. */
function welcome(reception: Reception, socket: WebSocket, shown: AgentCertificate, source: string): void {
  const { context, settings, all, events } = reception;
  socket.pause();
  const live = openConnection(context, settings, { socket, shown, source }, events);
  const link = linkOf(live);
  all.add(live);
  context.links.expect(shown.agentId, link);
  socket.on("close", () => {
    all.delete(live);
    events.onSettled();
    if (context.links.remove(shown.agentId, link)) context.presence.disconnected(shown.agentId);
  });
  const admit = async () => {
    const admission = await context.identity.admit(shown, source);
    if (live.gone.signal.aborted) return;
    if (!admission.ok) {
      live.step({ type: "refused", refusal: { ...admission, retryAfterSeconds: null } });
      return;
    }
    context.links.add(shown.agentId, link);
    socket.resume();
  };
  admit().catch((error: unknown) => {
    context.log.error({ agent_id: shown.agentId, err: error }, "an agent could not be let in");
    const message = "the controller cannot look up certificates at the moment";
    link.end({ code: "UNAVAILABLE", message, retryAfterSeconds: jittered(STORM_SECONDS) });
  });
}

/** Those that are not yet as far as to tell events. */
function greetings(all: ReadonlySet<Live>): number {
  let count = 0;
  for (const { session } of all) if (session.phase.at !== "streaming" && session.phase.at !== "closed") count += 1;
  return count;
}
