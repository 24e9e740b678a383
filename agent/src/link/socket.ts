/** One WebSocket to the controller: TLS 1.3, our certificate, and no root trusted but the one of the enrolment. */
import type { ConnectionOptions } from "node:tls";
import { CONTROLLER_NAME, MAX_FRAME_BYTES } from "@holdfast/protocol";
import { type ClientOptions, WebSocket } from "ws";
import { HoldfastError } from "../errors.ts";
import { connectionError } from "../identity/address.ts";
import type { LinkIdentity } from "./ports.ts";

const HANDSHAKE_MS = 15_000;
/** What `ws` says of a connection that ended without a word. */
const CUT = 1006;
/** How long a polite end is waited for. */
const CLOSE_MS = 2000;
/** Above the first nothing more is sent until what waits in the socket is below the second; bytes. */
const HIGH_WATER = 4 * MAX_FRAME_BYTES;
const LOW_WATER = MAX_FRAME_BYTES;

export type SocketEvents = {
  opened: () => void;
  text: (text: string) => void;
  pong: () => void;
  drained: () => void;
  /** Once, whatever happened; nothing comes after it. */
  closed: (why: string) => void;
};

export type LinkSocket = {
  /** False when the socket holds as much as it should: wait for `drained`. */
  send(text: string): boolean;
  ping(): void;
  /** Stops and goes on reading. */
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
};

/** Begins to connect. BAD_REQUEST when the address is none of ours; everything later comes as `closed`. */
export function openSocket(identity: LinkIdentity, events: SocketEvents): LinkSocket {
  const address = linkAddress(identity.agentUrl);
  const socket = new WebSocket(address, tlsOptions(identity));
  let failure: string | undefined;
  let isFull = false;
  socket.on("open", events.opened);
  socket.on("message", (data, isBinary) => events.text(isBinary ? "" : data.toString()));
  socket.on("pong", events.pong);
  socket.on("error", (error) => {
    failure ??= explained(error, address);
  });
  socket.on("close", (code, reason) => events.closed(failure ?? whyClosed(code, reason.toString())));
  const onWritten = (): void => {
    if (!isFull || socket.bufferedAmount > LOW_WATER) return;
    isFull = false;
    events.drained();
  };
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text, onWritten);
      isFull ||= socket.bufferedAmount > HIGH_WATER;
      return !isFull;
    },
    ping: () => {
      if (socket.readyState === WebSocket.OPEN) socket.ping();
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: (code, reason) => {
      // A reader that was stopped would never hear of the end.
      socket.resume();
      socket.close(code, reason);
      const timer = setTimeout(() => socket.terminate(), CLOSE_MS);
      socket.once("close", () => clearTimeout(timer));
    },
  };
}

function whyClosed(code: number, reason: string): string {
  if (code === CUT) return "the connection was cut";
  return reason === "" ? `the controller ended the connection with ${code}` : `the controller ended it: ${reason}`;
}

/** Whatever the address, the certificate has to be one of this root for the controllers' own name. */
function tlsOptions({ key, cert, ca }: LinkIdentity): ClientOptions & Pick<ConnectionOptions, "servername"> {
  return {
    ...{ key, cert, ca, servername: CONTROLLER_NAME, minVersion: "TLSv1.3", rejectUnauthorized: true },
    ...{
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_MS,
      followRedirects: false,
    },
  };
}

/** `wss://host:port` leads to `/link`. Anything but wss would tell our results to whoever listens. */
function linkAddress(agentUrl: string): URL {
  const url = URL.canParse(agentUrl) ? new URL(agentUrl) : undefined;
  if (url?.protocol !== "wss:")
    throw new HoldfastError("BAD_REQUEST", {
      message: `${JSON.stringify(agentUrl.slice(0, 200))} is not the address of a controller's link`,
      remedy: "Enrol this host again.",
    });
  if (url.pathname === "/") url.pathname = "/link";
  return url;
}

function explained(error: Error, { origin, hostname, port }: URL): string {
  const known = connectionError(error, { url: origin, host: hostname, port: Number(port) });
  return `${known.message} (${error.message})`;
}
